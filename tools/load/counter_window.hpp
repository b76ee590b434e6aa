#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

namespace sluice::load {

/// Which counters of one stream arrived: every first copy, the copies after it, and what is missing in between. Remembers
/// the last 8192; a copy of an older one counts as a duplicate.
class CounterWindow {
 public:
  static constexpr std::size_t window = 8192;

  /// True for a first copy.
  bool note(std::uint64_t counter) noexcept;
  /// Counts anew from the counter behind the highest seen on. What comes later of before that is not counted at all.
  void reset() noexcept;

  [[nodiscard]] bool started() const noexcept { return started_; }
  [[nodiscard]] std::uint64_t highest() const noexcept { return next_ - 1; }
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }
  /// Counters up to the highest that have not arrived.
  [[nodiscard]] std::uint64_t lost() const noexcept { return next_ - base_ - received_; }
  /// The same, when the sender says that `sent` counters (0 to sent - 1) exist.
  [[nodiscard]] std::uint64_t lost_of(std::uint64_t sent) const noexcept {
    return lost() + (started_ && sent > next_ ? sent - next_ : 0);
  }

 private:
  std::bitset<window> seen_;  // by counter modulo window
  std::uint64_t base_ = 0;    // first counter that counts
  std::uint64_t next_ = 0;    // one behind the highest seen
  std::uint64_t received_ = 0;
  std::uint64_t duplicates_ = 0;
  bool started_ = false;
};

}  // namespace sluice::load
