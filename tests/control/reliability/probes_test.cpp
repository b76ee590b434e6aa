// Figures of the machine, from files as Linux writes them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "control/reliability/cpu_probe.hpp"
#include "control/reliability/memory_probe.hpp"
#include "tests/support/scratch_folder.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

struct Machine : ::testing::Test {
  Machine() {
    write("/proc/self/status", "Name:\tx\nVmPeak:\t  9999 kB\nVmRSS:\t    2048 kB\nThreads:\t1\n");
    write("/proc/meminfo", "MemTotal:        8192 kB\nMemFree:  1 kB\n");
  }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  }
  test::ScratchFolder scratch;
  std::string root = scratch.path();
};

TEST_F(Machine, memory_is_measured_against_the_configured_limit) {
  const MemoryReading reading = read_memory(4 * 1024 * 1024, root);
  EXPECT_EQ(reading.used, 2048U * 1024U);
  EXPECT_DOUBLE_EQ(reading.ratio(), 0.5);
}

TEST_F(Machine, else_against_the_containers_without_its_page_cache) {
  write("/proc/self/cgroup", "0::/box\n");
  write("/sys/fs/cgroup/box/memory.max", "1000000\n");
  write("/sys/fs/cgroup/box/memory.current", "900000\n");
  write("/sys/fs/cgroup/box/memory.stat", "anon 1\ninactive_file 300000\n");
  EXPECT_DOUBLE_EQ(read_memory(0, root).ratio(), 0.6);
}

TEST_F(Machine, else_against_the_machines) {
  EXPECT_DOUBLE_EQ(read_memory(0, root).ratio(), 0.25);
  write("/proc/self/cgroup", "0::/box\n");
  write("/sys/fs/cgroup/box/memory.max", "max\n");
  write("/sys/fs/cgroup/box/memory.current", "900000\n");
  EXPECT_DOUBLE_EQ(read_memory(0, root).ratio(), 0.25) << "a container without a limit";
  fs::remove(root + "/proc/meminfo");
  EXPECT_DOUBLE_EQ(read_memory(0, root).ratio(), 0) << "nothing known is no load";
}

TEST_F(Machine, a_processs_share_is_what_it_spent_since_the_last_look) {
  CpuProbe probe(100, root);
  const auto stat = [&](const std::string& ticks) {
    write("/proc/42/stat", "42 (sluice-work) 0 (x) S 1 42 42 0 -1 4194560 1 2 3 4 " + ticks + " 0 0 20 0 1 0 5 6\n");
  };
  const TimePoint start = TimePoint{} + 10s;
  stat("100 50");
  EXPECT_DOUBLE_EQ(probe.share(0, 42, start), 0);
  stat("200 100");
  EXPECT_DOUBLE_EQ(probe.share(0, 42, start + 2s), 0.75);
  EXPECT_DOUBLE_EQ(probe.share(0, 42, start + 4s), 0);
  EXPECT_DOUBLE_EQ(probe.share(0, 43, start + 6s), 0) << "there is no such process";
}

}  // namespace
}  // namespace sluice
