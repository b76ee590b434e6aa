#include "control/loop/heartbeats.hpp"

#include <algorithm>

namespace sluice::loop {

void Heartbeats::add(SocketId id, Duration interval, Duration limit, TimePoint now) {
  groups_[{interval, limit}].pings.push_back({now + interval, id, never});
}

void Heartbeats::handle_timeout(TimePoint now, const Actions& actions) {
  for (auto& [times, group] : groups_) {
    const auto [interval, limit] = times;
    while (!group.pongs.empty() && group.pongs.front().at <= now) {
      const Due due = group.pongs.front();
      group.pongs.pop_front();
      if (!actions.has_answered(due.id, due.last_ping)) actions.end(due.id);
    }
    while (!group.pings.empty() && group.pings.front().at <= now) {
      const Due due = group.pings.front();
      group.pings.pop_front();
      if (limit == Duration::zero() && due.last_ping != never && !actions.has_answered(due.id, due.last_ping)) {
        actions.end(due.id);
        continue;
      }
      if (!actions.ping(due.id)) continue;
      group.pings.push_back({now + interval, due.id, now});
      if (limit > Duration::zero()) group.pongs.push_back({now + limit, due.id, now});
    }
  }
}

TimePoint Heartbeats::next_deadline() const {
  TimePoint next = never;
  for (const auto& [times, group] : groups_) {
    if (!group.pings.empty()) next = std::min(next, group.pings.front().at);
    if (!group.pongs.empty()) next = std::min(next, group.pongs.front().at);
  }
  return next;
}

}  // namespace sluice::loop
