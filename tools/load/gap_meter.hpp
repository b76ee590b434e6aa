#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "shm/types/time.hpp"

namespace sluice::load {

/// A time without a packet of one stream, from the last packet before it to the first one after it.
struct Gap {
  TimePoint begin;
  TimePoint end;
  [[nodiscard]] Duration length() const noexcept { return end - begin; }
};

/// How long gaps were, in classes that people care about.
struct GapHistogram {
  /// Upper bounds; the last class has none.
  static constexpr std::array<Duration, 7> bounds = {std::chrono::milliseconds(100), std::chrono::milliseconds(150),
                                                     std::chrono::milliseconds(250), std::chrono::milliseconds(500),
                                                     std::chrono::seconds(1),        std::chrono::seconds(2),
                                                     std::chrono::seconds(5)};
  std::array<std::uint64_t, bounds.size() + 1> counts{};
  void record(Duration length) noexcept;
  void add(const GapHistogram& other) noexcept;
  [[nodiscard]] std::uint64_t total() const noexcept;
};

/// Measures the times without a packet of one stream. A gap counts when it is longer than three times the expected interval
/// between packets (for video: between frames).
class GapMeter {
 public:
  explicit GapMeter(Duration expected_interval) noexcept : threshold_(3 * expected_interval) {}

  /// A packet arrived. Arrivals that go back in time count as now. The gap that this ends, if it counts.
  std::optional<Gap> on_packet(TimePoint arrival) noexcept;
  /// Looks at the silence up to now: true once per gap, when it begins to count.
  [[nodiscard]] bool begins_to_count(TimePoint now) noexcept;
  /// Closes the measurement: a silence up to `now` counts as a gap that ends there.
  std::optional<Gap> finish(TimePoint now) noexcept;
  /// Forgets what was measured; the stream goes on.
  void reset(TimePoint now) noexcept;

  [[nodiscard]] bool started() const noexcept { return started_; }
  [[nodiscard]] bool in_gap() const noexcept { return announced_; }
  [[nodiscard]] TimePoint last_arrival() const noexcept { return last_; }
  [[nodiscard]] Duration threshold() const noexcept { return threshold_; }
  [[nodiscard]] const GapHistogram& histogram() const noexcept { return histogram_; }
  /// The longest time between two packets, whether it counted or not.
  [[nodiscard]] const Gap& longest() const noexcept { return longest_; }

 private:
  std::optional<Gap> note(TimePoint end) noexcept;
  Duration threshold_;
  TimePoint last_;
  bool started_ = false;
  bool announced_ = false;
  Gap longest_;
  GapHistogram histogram_;
};

}  // namespace sluice::load
