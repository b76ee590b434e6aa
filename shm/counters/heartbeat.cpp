#include "shm/counters/heartbeat.hpp"

namespace sluice {

void Heartbeat::restart(std::uint32_t own_pid) noexcept {
  beats.store(0, std::memory_order_relaxed);
  at_ns.store(0, std::memory_order_release);
  pid.store(own_pid, std::memory_order_release);
}

void Heartbeat::beat(TimePoint now) noexcept {
  at_ns.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  // Released: who sees this beat sees its time, or a later one.
  beats.store(beats.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

HeartbeatReading Heartbeat::read() const noexcept {
  HeartbeatReading reading;
  reading.beats = beats.load(std::memory_order_acquire);
  reading.at = TimePoint(Duration(at_ns.load(std::memory_order_relaxed)));
  reading.pid = pid.load(std::memory_order_relaxed);
  return reading;
}

Pulse HeartbeatReading::pulse(TimePoint now, Duration allowed_gap) const noexcept {
  if (beats == 0) return Pulse::absent;
  // The other side wrote `at`: compare as unsigned distances, which cannot overflow.
  const auto then_ns = static_cast<std::uint64_t>(at.time_since_epoch().count());
  const auto now_ns = static_cast<std::uint64_t>(now.time_since_epoch().count());
  const std::uint64_t distance = at <= now ? now_ns - then_ns : then_ns - now_ns;
  return distance <= static_cast<std::uint64_t>(allowed_gap.count()) ? Pulse::beating : Pulse::stalled;
}

}  // namespace sluice
