#pragma once

#include <cstdint>
#include <string_view>

#include "control/signaling/connections/connection.hpp"
#include "shm/types/shared_text.hpp"

namespace sluice {

/// What a dialect needs of the transport layer. No call may call back into the dialect before it returns.
///
/// The transport layer's own duties: the upgrade; frames joined and handed over as whole messages; 1007 for text that is not
/// UTF-8, 1002 for broken frames, 1009 above the endpoint's limit; the heartbeat (a socket that does not answer a ping in
/// time is terminated and reported by on_close()); a bounded send queue (4 messages of the endpoint's limit, then
/// terminated); on_close() exactly once for every connection that it did not close on our behalf, harmless for those that it
/// did.
class ConnectionSink {
 public:
  virtual ~ConnectionSink() = default;
  /// Sends one text frame; the text is shared with other receivers. In order.
  virtual void send(ConnectionId connection, SharedText text) = 0;
  /// The same as a binary frame.
  virtual void send_binary(ConnectionId connection, SharedText bytes) = 0;
  /// Sends what is queued, then a close frame. `reason` is at most 123 bytes of UTF-8.
  virtual void close(ConnectionId connection, std::uint16_t code, std::string_view reason) = 0;
  /// Ends the connection at once, without a close frame (the client sees 1006).
  virtual void terminate(ConnectionId connection) = 0;
  /// Sends a ping beside the heartbeat's; the next pong is reported by ConnectionHandler::on_pong().
  virtual void ping(ConnectionId connection) { (void)connection; }
};

}  // namespace sluice
