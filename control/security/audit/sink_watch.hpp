#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shm/types/time.hpp"

namespace sluice {

/// Judges by its counters whether a sink of the audit log keeps up: it does not from the first entry that was dropped, and
/// does again when it has taken entries and dropped none for half a minute.
class SinkWatch {
 public:
  explicit SinkWatch(std::string_view name) : name_(name) {}

  /// To be called every second or so with the sink's totals. True when the judgement has changed: see problem().
  bool look(std::uint64_t taken, std::uint64_t dropped, TimePoint now);
  /// One sentence; empty: it keeps up.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  std::string name_;
  std::string problem_;
  std::uint64_t dropped_ = 0;
  std::uint64_t taken_at_drop_ = 0;  // how many it had taken when the last one was dropped
  TimePoint last_drop_{};
};

}  // namespace sluice
