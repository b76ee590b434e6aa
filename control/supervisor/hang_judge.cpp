#include "control/supervisor/hang_judge.hpp"

#include <algorithm>

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

#ifdef SLUICE_SANITIZED
constexpr int build_factor = 4;  // such a build is slow
#else
constexpr int build_factor = 1;
#endif

}  // namespace

HangLimits HangLimits::scaled(int factor) const noexcept {
  // Looking remains as it is: it costs the children nothing.
  return {silence * factor, asleep * factor, burnt * factor, first_beat * factor, blind * factor, look};
}

HangLimits worker_limits() noexcept {
  return HangLimits{}.scaled(build_factor);
}

HangLimits patient_limits() noexcept {
  return HangLimits{.silence = 2s, .asleep = 2s, .burnt = 2s, .first_beat = 15s, .blind = 4s}.scaled(build_factor);
}

void HangJudge::restart(TimePoint now) noexcept {
  looked_ = now;
  cpu_.reset();
  silent_for_ = stopped_for_ = asleep_for_ = burnt_ = {};
  beats_ = 0;
}

HangJudge::Verdict HangJudge::observe(TimePoint now, const Look& look) noexcept {
  const auto counted = [this](Duration passed) { return std::clamp<Duration>(passed, Duration::zero(), 2 * limits_.look); };
  const Duration passed = counted(now - looked_);
  const Duration burnt = look.cpu && cpu_ ? counted(*look.cpu - *cpu_) : Duration::zero();
  looked_ = now;
  cpu_ = look.cpu;
  if (look.beats != beats_) {
    beats_ = look.beats;
    silent_for_ = stopped_for_ = asleep_for_ = burnt_ = {};
    return Verdict::fine;
  }
  silent_for_ += passed;
  burnt_ += burnt;
  const bool stopped = look.state == 'T' || look.state == 't';
  const bool asleep = look.state == 'S' || look.state == 'D';
  stopped_for_ = stopped ? stopped_for_ + passed : Duration::zero();
  asleep_for_ = asleep ? asleep_for_ + passed : Duration::zero();
  if (stopped) return stopped_for_ >= limits_.silence ? Verdict::stopped : Verdict::fine;
  if (look.state == '?' || !look.cpu)
    return silent_for_ >= std::max(limits_.blind, beats_ == 0 ? limits_.first_beat : Duration{}) ? Verdict::hung
                                                                                                 : Verdict::fine;
  if (asleep_for_ >= (beats_ == 0 ? limits_.first_beat : limits_.asleep)) return Verdict::hung;
  if (burnt_ >= (beats_ == 0 ? limits_.first_beat : limits_.burnt)) return Verdict::hung;
  return Verdict::fine;
}

}  // namespace sluice::supervisor
