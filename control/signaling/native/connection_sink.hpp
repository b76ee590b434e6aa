#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/sessions/sessions.hpp"
#include "shm/types/ids.hpp"

namespace sluice {

/// One client connection of the transport layer; never used again for another.
using ConnectionId = Id<struct ConnectionIdTag, std::uint64_t>;

struct ConnectionInfo {
  std::string ip;           // of the client, after `trustProxy`
  std::string path;         // any is accepted
  std::string subprotocol;  // the one selected, if any
};

/// What the dialect needs of the transport layer. Neither call may call back into the dialect before it returns.
///
/// The transport layer's own duties (contract section 2): the upgrade; text and binary frames alike handed over whole;
/// 1007 for text that is not UTF-8, 1002 for broken frames, 1009 above `max_message_size`; the heartbeat (a socket that has
/// not answered the previous ping when the next is due is terminated and reported by on_close()); a bounded send queue
/// (4 messages of `max_message_size`, then close); on_close() exactly once for every connection that it did not close on
/// our behalf, harmless for those that it did.
class ConnectionSink {
 public:
  virtual ~ConnectionSink() = default;
  /// Sends one text frame; the text is shared with other receivers. In order.
  virtual void send(ConnectionId connection, SharedText text) = 0;
  /// Sends what is queued, then a close frame. `reason` is at most 123 bytes of UTF-8.
  virtual void close(ConnectionId connection, std::uint16_t code, std::string_view reason) = 0;
};

}  // namespace sluice
