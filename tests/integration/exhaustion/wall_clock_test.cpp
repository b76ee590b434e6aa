// The wall clock jumps by years while everything runs. Nothing but the time that is shown may depend on it: timers, consent,
// handshakes, heartbeats and sessions live on the monotonic clock (where that jumps: tests/sim/clock_jump_test.cpp).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "test_paths.hpp"
#include "tests/integration/exhaustion/server_process.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLUICE_TEST_SANITIZED 1
#else
#define SLUICE_TEST_SANITIZED 0
#endif

namespace sluice::test {
namespace {

/// The seconds that the shim adds to the wall clock, for all processes that have this file.
class SharedShift {
 public:
  SharedShift() {
    file_.reset(::mkstemp(path_.data()));
    if (::ftruncate(file_.get(), sizeof(std::int64_t)) != 0) throw std::runtime_error("ftruncate");
    (void)::fchmod(file_.get(), 0644);
    void* mapped = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (mapped == MAP_FAILED) throw std::runtime_error("mmap");
    value_ = static_cast<std::atomic<std::int64_t>*>(mapped);
  }
  ~SharedShift() {
    ::munmap(static_cast<void*>(value_), sizeof(std::int64_t));
    ::unlink(path_.c_str());
  }
  SharedShift(const SharedShift&) = delete;
  SharedShift& operator=(const SharedShift&) = delete;
  void set(std::int64_t seconds) { value_->store(seconds); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = testing::TempDir() + "wall-clock-XXXXXX";
  Descriptor file_;
  std::atomic<std::int64_t>* value_ = nullptr;
};

constexpr const char* shim = "LD_PRELOAD=" SLUICE_WALL_CLOCK_SHIM;

class WallClock : public testing::Test {
 protected:
  void SetUp() override {
    if (SLUICE_TEST_SANITIZED) GTEST_SKIP() << "a sanitizer's runtime must come before every preloaded object";
  }
};

TEST_F(WallClock, JumpsDisturbNoProcessAndNoSocket) {
  SharedShift shift;
  ServerProcess server({.environment = {shim, "WALL_CLOCK_FILE=" + shift.path()}});
  ASSERT_TRUE(server.wait_until_ready()) << server.log();
  const pid_t control = server.child("sluice-control");
  const pid_t handshaker = server.child("sluice-handshaker");
  const pid_t worker = server.child("sluice-worker");  // the oldest: spares come after it
  Visitor old(server.port());
  ASSERT_EQ(old.state(), Visitor::State::open);
  constexpr std::int64_t year = 31'536'000;
  for (const std::int64_t seconds : {10 * year, -10 * year, std::int64_t{3600}, std::int64_t{-3600}, std::int64_t{0}}) {
    shift.set(seconds);
    ASSERT_EQ(::kill(server.pid(), SIGHUP), 0);  // control says that it reloads, and when
    EXPECT_LT(cpu_share(control, 1s), 0.3) << "control spins after a jump to " << seconds;
    EXPECT_LT(cpu_share(server.pid(), 300ms), 0.3);
    EXPECT_TRUE(old.alive());
    EXPECT_TRUE(server.accepts());
    EXPECT_NE(server.metrics(), "");
  }
  EXPECT_NE(server.log().find("time=2036-"), std::string::npos) << "the shim did not work";
  EXPECT_EQ(server.child("sluice-control"), control) << server.log();
  EXPECT_EQ(server.child("sluice-handshaker"), handshaker) << server.log();
  EXPECT_EQ(server.child("sluice-worker"), worker) << server.log();
  EXPECT_EQ(server.stop(), 0) << server.log();
}

/// The unit tests that hold timers, run with a wall clock that is another one at each reading.
class UnderRandomTime : public WallClock, public testing::WithParamInterface<const char*> {};

TEST_P(UnderRandomTime, AllTestsHold) {
  if (IsSkipped()) return;
  const std::string program = std::string(SLUICE_BIN_DIR "/") + GetParam();
  if (::access(program.c_str(), X_OK) != 0) GTEST_SKIP() << program << " was not built";
  EXPECT_EQ(std::system((std::string(shim) + " " + program + " > /dev/null 2>&1").c_str()), 0)
      << "run it by hand: " << shim << " " << program;
}

INSTANTIATE_TEST_SUITE_P(Programs, UnderRandomTime,
                         testing::Values("dataplane_dtls_test", "dataplane_handshaker_test", "control_loop_test",
                                         "control_rooms_test", "control_sessions_test"),
                         [](const auto& program) { return std::string(program.param); });

}  // namespace
}  // namespace sluice::test
