// Memory and space run out: in control while it serves, and for the files (memfds, logs) that the server writes.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/integration/exhaustion/server_process.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLUICE_TEST_SANITIZED 1
#else
#define SLUICE_TEST_SANITIZED 0
#endif

namespace sluice::test {
namespace {

TEST(MemoryExhaustion, OfControlCostsItsWorkersNothing) {
  if (SLUICE_TEST_SANITIZED) GTEST_SKIP() << "sanitizers need address space of their own";
  ServerProcess server({.options = {"--isolation.users=off"}});  // limits of another user's process cannot be set
  ASSERT_TRUE(server.wait_until_ready()) << server.log();
  const pid_t control = server.child("sluice-control");
  const pid_t worker = server.child("sluice-worker");  // the oldest: spares come after it
  const pid_t handshaker = server.child("sluice-handshaker");
  // No further mapping: what malloc holds already is all there is.
  ASSERT_TRUE(set_limit(control, RLIMIT_AS, status_bytes(control, "VmSize") + (1U << 20U)));
  std::vector<Visitor> crowd;
  const auto gone = [&] { return server.child("sluice-control") != control; };
  for (int i = 0; i < 400 && !gone(); ++i) {
    crowd.emplace_back(server.port(), 500ms);
    if (crowd.back().state() == Visitor::State::open) crowd.back().begin_message(60'000);
  }
  RecordProperty("control_died", gone() ? 1 : 0);  // it may also live and refuse
  crowd.clear();
  EXPECT_TRUE(eventually([&] { return server.child("sluice-control") != 0 && server.accepts(); }, 30s)) << server.log();
  EXPECT_EQ(server.child("sluice-worker"), worker) << server.log();
  EXPECT_EQ(server.child("sluice-handshaker"), handshaker);
  EXPECT_NE(server.metrics(), "");
  EXPECT_EQ(server.stop(), 0) << server.log();
}

TEST(SpaceExhaustion, ALogThatCannotBeWrittenStopsNothing) {
  ServerProcess server({.stdout_path = "/dev/full", .stderr_path = "/dev/full"});
  ASSERT_TRUE(server.wait_until_ready());
  const pid_t worker = server.child("sluice-worker");  // the oldest: spares come after it
  const pid_t control = server.child("sluice-control");
  ASSERT_EQ(::kill(control, SIGKILL), 0);  // much to log
  EXPECT_TRUE(eventually([&] { return server.child("sluice-control") != control && server.accepts(); }));
  EXPECT_EQ(server.child("sluice-worker"), worker);
  EXPECT_EQ(server.stop(), 0);
}

TEST(SpaceExhaustion, ALimitOnFilesThatIsTooLowIsOneSentence) {
  ServerProcess server({.limits = {{RLIMIT_FSIZE, 100'000}}});
  EXPECT_EQ(server.wait_for_end(), 1) << server.log();
  EXPECT_NE(server.log().find("sluice: Cannot create the "), std::string::npos) << server.log();
  EXPECT_NE(server.log().find("File too large"), std::string::npos) << server.log();
}

}  // namespace
}  // namespace sluice::test
