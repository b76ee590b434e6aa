#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "control/rooms/ids.hpp"
#include "control/rooms/peer_deadlines.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Deadlines of members that outlive this process: kept as Unix milliseconds in the state log, so that a restart prolongs
/// none. A member is known from set() to erase(), also after it met its deadline: a successor can tell one who is in time
/// from one who was never asked.
class LastingDeadlines {
 public:
  struct Clocks {
    std::function<TimePoint()> now;
    std::function<std::int64_t(TimePoint)> unix_ms;
  };
  /// `log` is borrowed for life; `prefix` begins the keys in it.
  LastingDeadlines(StateLog& log, std::string prefix, Clocks clocks);

  void set(const PeerId& peer, Duration from_now);
  /// The member did what it should; nothing is due any more.
  void meet(const PeerId& peer);
  /// The member is gone.
  void erase(const PeerId& peer);
  [[nodiscard]] bool knows(const PeerId& peer) const { return known_.contains(peer); }

  /// Reads what a predecessor wrote and forgets those of whom `is_member` says no. None is further away than `longest`,
  /// whatever clocks did; what passed meanwhile is due now.
  void restore(const std::function<bool(const PeerId&)>& is_member, Duration longest);

  [[nodiscard]] TimePoint next() const { return deadlines_.next(); }
  /// Takes out those whose time has come, earliest first. They stay known until erase().
  [[nodiscard]] std::vector<PeerId> take_due(TimePoint now) { return deadlines_.take_due(now); }

 private:
  void write(const PeerId& peer, std::int64_t unix_ms);

  StateLog& log_;
  std::string prefix_;
  Clocks clocks_;
  PeerDeadlines deadlines_;
  std::unordered_set<PeerId> known_;
};

}  // namespace sluice
