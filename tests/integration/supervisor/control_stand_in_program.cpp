// Stands in for sluice-control: takes its descriptors, says on standard output what they are, beats, and ends on SIGTERM.
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

#include "shm/channel/pulse_segment.hpp"
#include "shm/descriptors/descriptor_set.hpp"
#include "shm/region/region.hpp"
#include "shm/ring/doorbell.hpp"

namespace {

using namespace sluice;

TimePoint read_clock() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return TimePoint(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

std::string inode(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? std::to_string(status.st_ino) : "none";
}

std::string value_of(std::string_view name, int count, char** words) {
  for (int i = 1; i < count; ++i) {
    const std::string_view word(words[i]);
    if (word.starts_with("--" + std::string(name) + "=")) return std::string(word.substr(name.size() + 3));
  }
  return "";
}

/// Counts the starts in the region that outlives this process.
std::uint64_t count_start(int fd) {
  auto region = Region::map(fd, Access::read_write);
  if (!region) return 0;
  auto* starts = reinterpret_cast<std::uint64_t*>(region->bytes().data());
  return ++*starts;
}

}  // namespace

int main(int count, char** words) {
  const std::string behaviour = value_of("behaviour", count, words);
  if (behaviour == "refuse") return 78;
  sigset_t stop;
  (void)sigemptyset(&stop);
  (void)sigaddset(&stop, SIGTERM);
  (void)::sigprocmask(SIG_BLOCK, &stop, nullptr);
  const Descriptor signals(::signalfd(-1, &stop, SFD_CLOEXEC));

  auto descriptors = receive_descriptors(std::stoi(value_of("descriptors", count, words)));
  if (!descriptors) return 2;
  std::array<char, 256> config{};
  const ssize_t config_size = ::pread(descriptors->find("config"), config.data(), config.size() - 1, 0);
  const bool has_secrets = descriptors->find("recovery.0") >= 0 || descriptors->find("handshake.0") >= 0 ||
                           descriptors->find("certificate") >= 0 || descriptors->find("socket.0.v4") >= 0;
  auto pulse = PulseSegment::attach(descriptors->find("pulse"));
  if (!pulse || config_size <= 0) return 3;
  Heartbeat& heartbeat = (*pulse)->heartbeat;
  heartbeat.restart(static_cast<std::uint32_t>(::getpid()));
  heartbeat.beat(read_clock());
  std::printf("control pid=%d starts=%llu state=%s shared=%s secrets=%s fingerprint=%zu workers=%s config=%s\n", ::getpid(),
              static_cast<unsigned long long>(count_start(descriptors->find("control-state"))),
              inode(descriptors->find("control-state")).c_str(), inode(descriptors->find("shared.0")).c_str(),
              has_secrets ? "yes" : "no", value_of("fingerprint", count, words).size(),
              value_of("workers", count, words).c_str(), config.data());
  (void)std::fflush(stdout);
  Doorbell(descriptors->take("ready")).ring();
  while (true) {
    pollfd asked{signals.get(), POLLIN, 0};
    if (::poll(&asked, 1, 100) > 0) {
      if (behaviour != "stubborn") return 0;
      signalfd_siginfo ignored{};
      (void)!::read(signals.get(), &ignored, sizeof(ignored));
    }
    heartbeat.beat(read_clock());
  }
}
