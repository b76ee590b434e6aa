#pragma once

#include <atomic>
#include <cstdint>

#include "shm/region/layout_hash.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// What a heartbeat says about a process. That it is *dead* only its pidfd can say; a stalled one may come back.
enum class Pulse : std::uint8_t {
  absent,   // has not beaten yet since it was started
  beating,  // within the allowed gap
  stalled,  // alive or dead, but not working
};

struct HeartbeatReading {
  TimePoint at{};           // of the last beat, on the machine's monotonic clock
  std::uint64_t beats = 0;  // since the process started; 0: none
  std::uint32_t pid = 0;    // who beats, for logs only: pids are reused and written by the other side
  /// `allowed_gap`: the longest time a healthy process may go without a beat. A beat from the future (a scribbling
  /// process) counts as stalled once it is more than the gap ahead.
  [[nodiscard]] Pulse pulse(TimePoint now, Duration allowed_gap) const noexcept;
};

/// Proof that a loop turns. Written once per turn (or per timer, when idle) by one process.
struct alignas(shared_line_bytes) Heartbeat {
  std::atomic<std::int64_t> at_ns;
  std::atomic<std::uint64_t> beats;
  std::atomic<std::uint32_t> pid;

  /// A process calls this first, so that its predecessor's beats are not taken for its own.
  void restart(std::uint32_t own_pid) noexcept;
  void beat(TimePoint now) noexcept;
  [[nodiscard]] HeartbeatReading read() const noexcept;
};
static_assert(SharedLayout<Heartbeat> && sizeof(Heartbeat) == 128);
SLUICE_FIELD(Heartbeat, at_ns, 0, 8);
SLUICE_FIELD(Heartbeat, beats, 8, 8);
SLUICE_FIELD(Heartbeat, pid, 16, 4);

}  // namespace sluice
