#pragma once

#include <array>
#include <optional>

#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// When a child that died is started again. One that had worked for a second is started at once, however often that
/// happens: a call waits for it. Only quick deaths in a row back off, after 0, 100, 200 ms and so on to 5 s, so that a child
/// that cannot start costs no core.
class RestartPolicy {
 public:
  void started(TimePoint now) noexcept { started_ = now; }
  /// What is known of a death.
  struct Death {
    bool worked = false;   // it had beaten
    bool own_act = false;  // nobody outside killed it
  };
  /// The time at which to start the child that has just died.
  [[nodiscard]] TimePoint died(TimePoint now, Death death) noexcept;
  /// Quick deaths in a row, the last one included.
  [[nodiscard]] unsigned deaths() const noexcept { return deaths_; }
  /// Whether the next start is to begin blank: three times within 10 s a child died by its own act less than a second after
  /// its start, so what it adopts may be what kills it. Asking forgets them: three more must follow for another yes.
  [[nodiscard]] bool take_last_resort(TimePoint now) noexcept;

 private:
  static constexpr std::size_t proof_of_poison = 3;
  TimePoint started_{};
  unsigned deaths_ = 0;
  std::array<std::optional<TimePoint>, proof_of_poison> own_acts_;  // the latest first
};

}  // namespace sluice::supervisor
