#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "control/hooks/hooks.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct HookNoticesOptions {
  std::size_t under_way_max = 8;    // of one hook: a flood of threats must not be a flood of calls
  std::size_t waiting_max = 1'000;  // of one hook; when there are more the oldest go
};

/// Hooks that are told and not asked (`onThreat`, `onExpiry`, `onPurge`, `sink`): whatever they answer changes nothing, and
/// nobody waits for them. Told in order; a slow one has a bounded queue, a failure is counted and not repeated. Where nobody
/// answers a hook nothing is kept for it.
class HookNotices {
 public:
  /// `hooks` is borrowed for life; its calls may end after this.
  HookNotices(Hooks& hooks, std::function<TimePoint()> now, HookNoticesOptions options = {});
  HookNotices(const HookNotices&) = delete;
  HookNotices& operator=(const HookNotices&) = delete;
  ~HookNotices();

  void tell(const std::string& hook, nlohmann::json notice);

  struct Statistics {
    std::uint64_t told = 0;
    std::uint64_t failed = 0;   // not reached, or answered by an error, or too late
    std::uint64_t dropped = 0;  // the queue was full
  };
  [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }

 private:
  struct Line {
    std::deque<nlohmann::json> waiting;
    std::size_t under_way = 0;
    bool sending = false;  // further up the stack
  };
  void send(const std::string& hook, Line& line);

  Hooks& hooks_;
  std::function<TimePoint()> now_;
  HookNoticesOptions options_;
  std::map<std::string, Line> lines_;
  Statistics statistics_;
  std::shared_ptr<HookNotices*> self_;  // empties itself when this ends
};

}  // namespace sluice
