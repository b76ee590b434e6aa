#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// For how long a child may go without a beat, by what it does meanwhile.
struct HangLimits {
  Duration silence = std::chrono::milliseconds(150);  // stopped (SIGSTOP, a debugger)
  Duration asleep = std::chrono::milliseconds(300);   // in a system call, though its timer was due
  Duration burnt = std::chrono::milliseconds(125);    // of CPU time of its own, since the look that saw the last beat
  Duration first_beat = std::chrono::seconds(5);      // instead of the last two, for one that has not beaten yet
  Duration blind = std::chrono::seconds(2);           // where /proc says nothing (hidepid)
  Duration look = std::chrono::milliseconds(50);      // how often observe() should be called
  [[nodiscard]] HangLimits scaled(int factor) const noexcept;
};

/// A worker beats every 50 ms, and a call notices when it does not.
[[nodiscard]] HangLimits worker_limits() noexcept;
/// Nobody hears a pause of control or handshaker; they beat every 100 to 200 ms.
[[nodiscard]] HangLimits patient_limits() noexcept;

/// Tells a child that hangs from one that works and from one that is not let work. A runnable process that gets no CPU is
/// starved by others: killing it would make nothing better. Pure: beats, state and times come in.
class HangJudge {
 public:
  enum class Verdict : unsigned char {
    fine,     ///< it beats, or it is too early, or it does not get the CPU
    stopped,  ///< somebody stopped it: kill it, it is not to blame
    hung,     ///< it had the CPU and did not beat, or sleeps through its timer: kill it
  };
  /// What is seen of a process at one moment.
  struct Look {
    std::uint64_t beats = 0;      // so far by this very process; 0: none
    char state = '?';             // as ProcessReading's; needed only if is_silent(beats). '?': not known
    std::optional<Duration> cpu;  // CPU time it has had in its life, if known
  };

  HangJudge() = default;
  explicit HangJudge(const HangLimits& limits) noexcept : limits_(limits) {}

  /// A new child was started at `now`.
  void restart(TimePoint now) noexcept;
  /// Whether this count is no news, so that observe() wants the state.
  [[nodiscard]] bool is_silent(std::uint64_t beats) const noexcept { return beats == beats_; }
  /// Time between two looks counts for at most twice the distance at which they should come: when the whole machine stood
  /// still for a while, nobody is blamed.
  [[nodiscard]] Verdict observe(TimePoint now, const Look& look) noexcept;
  /// Whether this child has beaten yet.
  [[nodiscard]] bool has_beaten() const noexcept { return beats_ != 0; }

 private:
  HangLimits limits_;
  TimePoint looked_{};
  std::optional<Duration> cpu_;  // at the last look
  Duration silent_for_{};
  Duration stopped_for_{};  // of that, and without a break until now
  Duration asleep_for_{};   // likewise
  Duration burnt_{};        // CPU time in the silence
  std::uint64_t beats_ = 0;
};

}  // namespace sluice::supervisor
