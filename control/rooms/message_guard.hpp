#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/rooms/ids.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// What a message of a client asks for, whatever its protocol calls it.
enum class ClientRequest : std::uint8_t {
  join,  // or resuming
  sdp,   // an offer or answer
  candidate,
  data,      // application data and control payloads
  metadata,  // a patch of the peer's metadata
  other,     // anything else that was understood as a message
};

/// What limits and detectors need to know of one message.
struct GuardedMessage {
  ClientRequest request = ClientRequest::other;
  std::size_t bytes = 0;   // of the payload or patch as JSON text; 0 for other requests
  bool to_server = false;  // SDP for the media side, data that a module of the server consumes
  bool to_all = false;     // data for every other member of the room
};

/// What is to become of a message.
enum class GuardVerdict : std::uint8_t {
  pass,
  drop,           // silently
  drop_and_tell,  // the sender is told once: native `error RATE_LIMITED`, "Too many messages. Slow down."
  ended,          // the peer was put out (PeerKicked has gone out): nothing more of it is handled
};

/// Stands between clients and what their messages would do: rate limits and threat detection. Each dialect asks it, and does
/// not know what it consists of.
class MessageGuard {
 public:
  virtual ~MessageGuard() = default;
  /// A connection opened; asked before there is a peer. Refused: why, for a close with 1008 (or 429 and 403 over HTTP).
  [[nodiscard]] virtual std::optional<std::string> refuse_connection(std::string_view ip, TimePoint now) = 0;
  /// Each message that could be parsed, once, in order, before it is handled.
  [[nodiscard]] virtual GuardVerdict check(const PeerId& peer, const GuardedMessage& message, TimePoint now) = 0;
};

}  // namespace sluice
