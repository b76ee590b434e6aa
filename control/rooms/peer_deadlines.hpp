#pragma once

#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/rooms/ids.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// One point in time for each of some peers, the earliest at no cost: for modules that give members so long to do something.
class PeerDeadlines {
 public:
  void set(const PeerId& peer, TimePoint at) {
    erase(peer);
    by_peer_.emplace(peer, at);
    by_time_.emplace(at, peer);
  }
  void erase(const PeerId& peer) {
    const auto found = by_peer_.find(peer);
    if (found == by_peer_.end()) return;
    by_time_.erase({found->second, found->first});
    by_peer_.erase(found);
  }
  [[nodiscard]] TimePoint next() const { return by_time_.empty() ? never : by_time_.begin()->first; }
  /// Takes out those whose time has come, earliest first.
  [[nodiscard]] std::vector<PeerId> take_due(TimePoint now) {
    std::vector<PeerId> due;
    while (!by_time_.empty() && by_time_.begin()->first <= now) {
      due.push_back(by_time_.begin()->second);
      by_peer_.erase(due.back());
      by_time_.erase(by_time_.begin());
    }
    return due;
  }

 private:
  std::unordered_map<PeerId, TimePoint> by_peer_;
  std::set<std::pair<TimePoint, PeerId>> by_time_;
};

}  // namespace sluice
