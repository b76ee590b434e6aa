#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "control/loop/route.hpp"
#include "shm/types/time.hpp"

namespace sluice::loop {

/// When which WebSocket is to be pinged, and when its pong is overdue. Endpoints differ in intervals; sockets of one
/// interval and one limit form a queue in which due times only rise, so each step costs the same for ten thousand sockets as
/// for one. Sockets that are gone stay in the queue until they are due, and are then forgotten. Sans-I/O.
class Heartbeats {
 public:
  /// What happens to sockets, by their owner.
  struct Actions {
    /// Sends a ping. False when the socket is gone.
    std::function<bool(SocketId)> ping;
    /// Whether the socket has answered every ping since `since`; true for one that is gone.
    std::function<bool(SocketId, TimePoint since)> has_answered;
    /// Ends the socket, which did not answer.
    std::function<void(SocketId)> end;
  };

  /// From now on pinged every `interval` (> 0). `limit` as UpgradeAccept::ping_timeout.
  void add(SocketId id, Duration interval, Duration limit, TimePoint now);
  void handle_timeout(TimePoint now, const Actions& actions);
  [[nodiscard]] TimePoint next_deadline() const;

 private:
  struct Due {
    TimePoint at;
    SocketId id;
    TimePoint last_ping;  // the ping before; `never`: none yet
  };
  struct Group {
    std::deque<Due> pings;
    std::deque<Due> pongs;  // of groups with a limit
  };
  std::map<std::pair<Duration, Duration>, Group> groups_;
};

}  // namespace sluice::loop
