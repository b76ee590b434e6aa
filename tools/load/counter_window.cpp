#include "tools/load/counter_window.hpp"

namespace sluice::load {

bool CounterWindow::note(std::uint64_t counter) noexcept {
  if (!started_) {
    started_ = true;
    base_ = counter;
    next_ = counter;
  }
  if (counter < base_) return false;
  if (counter >= next_) {
    if (counter - next_ >= window) {
      seen_.reset();
    } else {
      for (std::uint64_t skipped = next_; skipped < counter; ++skipped) seen_.reset(skipped % window);
    }
    seen_.set(counter % window);
    next_ = counter + 1;
    ++received_;
    return true;
  }
  if (next_ - counter > window || seen_.test(counter % window)) {
    ++duplicates_;
    return false;
  }
  seen_.set(counter % window);
  ++received_;
  return true;
}

void CounterWindow::reset() noexcept {
  base_ = next_;
  received_ = 0;
  duplicates_ = 0;
}

}  // namespace sluice::load
