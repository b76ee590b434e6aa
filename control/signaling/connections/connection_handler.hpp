#pragma once

#include "control/signaling/connections/connection.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/message_kind.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// The side of a dialect that the transport layer calls. Nothing in a message may make these throw.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  virtual void on_open(ConnectionId connection, const ConnectionInfo& info, TimePoint now) = 0;
  /// One whole message, borrowed for the call.
  virtual void on_message(ConnectionId connection, Bytes message, MessageKind kind, TimePoint now) = 0;
  /// A pong came after ConnectionSink::ping(): the client lives.
  virtual void on_pong(ConnectionId connection, TimePoint now) {
    (void)connection;
    (void)now;
  }
  /// The connection is gone, by whomever. Ids that the dialect closed itself may come as well and are to be ignored.
  virtual void on_close(ConnectionId connection, TimePoint now) = 0;
};

}  // namespace sluice
