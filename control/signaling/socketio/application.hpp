#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "control/json/json_view.hpp"
#include "control/signaling/socketio/event_text.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/time.hpp"

namespace sluice::socketio {

/// One Socket.IO socket (a connection to one namespace) inside this process. Kept by a recovered connection, else never
/// reused. On the wire it is named by its socket id.
using SocketKey = Id<struct SocketKeyTag, std::uint64_t>;

/// A CONNECT. Borrowed for the call.
struct ConnectRequest {
  std::string_view name_space;
  JsonView auth;  // an object; `{}` when the client sent none
  std::string_view ip;
};

struct ConnectAccepted {};
struct ConnectRefused {
  std::string message;
};
/// No answer at all: the connectTimeout ends the connection.
struct ConnectIgnored {};
using ConnectDecision = std::variant<ConnectAccepted, ConnectRefused, ConnectIgnored>;

/// An EVENT. Borrowed for the call.
struct Event {
  std::string_view name;
  std::span<const JsonView> arguments;  // after the name
  const Attachments& attachments;       // that placeholders in the arguments name
  std::optional<std::uint64_t> ack;     // the acknowledgement that is wanted
};

enum class DisconnectReason : std::uint8_t {
  connection_lost,    // whatever ended the Engine.IO session
  left,               // the client's DISCONNECT
  server_disconnect,  // ours
};

/// What is served in a namespace: a dialect, or the echo of the conformance mode.
class Application {
 public:
  virtual ~Application() = default;
  /// Asked first for every CONNECT, of a lost connection that comes back too: why its address is turned away.
  [[nodiscard]] virtual std::optional<std::string> turn_away(const ConnectRequest& request, TimePoint now) {
    (void)request;
    (void)now;
    return std::nullopt;
  }
  virtual ConnectDecision connect(const ConnectRequest& request, TimePoint now) = 0;
  /// The CONNECT reply was sent.
  virtual void on_connect(SocketKey socket, const ConnectRequest& request, TimePoint now) = 0;
  /// A lost connection is back: same id, same rooms, what it missed was sent; `data` is what save() gave.
  virtual void on_recover(SocketKey socket, const ConnectRequest& request, std::string_view data, TimePoint now) = 0;
  virtual void on_event(SocketKey socket, const Event& event, TimePoint now) = 0;
  /// Still in its rooms, but nothing reaches it any more. Called at once, also when it may recover.
  virtual void on_disconnecting(SocketKey socket, DisconnectReason reason, TimePoint now) = 0;
  /// What is to be remembered of a socket that may recover; called before on_disconnecting().
  [[nodiscard]] virtual std::string save(SocketKey socket) const = 0;
};

}  // namespace sluice::socketio
