// For LD_PRELOAD: every reading of the wall clock (CLOCK_REALTIME, time, gettimeofday) is shifted. The monotonic clock
// stays.
//   WALL_CLOCK_FILE=PATH  by the seconds that the file holds (8 bytes), read anew each time
//   without it            by another amount of up to ten years, forward or back, at each reading
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

/// Mapped while the process starts: later it may not open files.
const std::atomic<std::int64_t>* shared_shift = [] {
  const char* path = std::getenv("WALL_CLOCK_FILE");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return static_cast<const std::atomic<std::int64_t>*>(nullptr);
  void* mapped = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  return mapped == MAP_FAILED ? nullptr : static_cast<const std::atomic<std::int64_t>*>(mapped);
}();
const bool random_jumps = std::getenv("WALL_CLOCK_FILE") == nullptr;
std::atomic<std::uint64_t> readings{0};

std::int64_t shift_seconds() {
  if (shared_shift != nullptr) return shared_shift->load();
  if (!random_jumps) return 0;
  std::uint64_t x = readings.fetch_add(0x9e3779b97f4a7c15U) + 1;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x ^= x >> 27U;
  constexpr std::int64_t ten_years = 315'360'000;
  return static_cast<std::int64_t>(x % (2 * ten_years)) - ten_years;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  const long result = ::syscall(SYS_clock_gettime, clock, out);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) out->tv_sec += shift_seconds();
  return static_cast<int>(result);
}
int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  *out = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}
time_t time(time_t* out) noexcept {
  timespec now{};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}
}
