#include "control/observability/loop_lag.hpp"

#include <algorithm>

namespace sluice {

void LoopLag::handle_timeout(TimePoint now) {
  if (now < due_) return;
  samples_[count_++ % samples_max] = now - due_;
  due_ = now + period;
}

Duration LoopLag::worst() const noexcept {
  return *std::max_element(samples_.begin(), samples_.end());
}

Duration LoopLag::mean() const noexcept {
  const auto known = static_cast<std::int64_t>(std::min<std::uint64_t>(count_, samples_max));
  if (known == 0) return {};
  Duration sum{};
  for (const Duration sample : samples_) sum += sample;
  return sum / known;
}

}  // namespace sluice
