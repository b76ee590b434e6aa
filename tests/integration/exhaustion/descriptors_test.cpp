// Descriptors run out: in control, which takes one for each client, and in the supervisor, which needs some for each start.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "tests/integration/exhaustion/server_process.hpp"

namespace sluice::test {
namespace {

// Limits of a running process can be set by its own user only.
const ServerProcess::Setup same_user{.options = {"--isolation.users=off"}};

TEST(DescriptorExhaustion, ControlRefusesNewSocketsKeepsOldOnesAndAnswersItsOperator) {
  ServerProcess server(same_user);
  ASSERT_TRUE(server.wait_until_ready()) << server.log();
  const pid_t control = server.child("sluice-control");
  const pid_t worker = server.child("sluice-worker");  // the oldest: spares come after it
  Visitor old(server.port());
  ASSERT_EQ(old.state(), Visitor::State::open);

  // Room for a few more clients behind the reserve (32) that is not for clients.
  ASSERT_TRUE(set_limit(control, RLIMIT_NOFILE, open_descriptors(control) + 32 + 6));
  std::vector<Visitor> crowd;
  for (int i = 0; i < 40; ++i) crowd.emplace_back(server.port());
  const auto open =
      std::count_if(crowd.begin(), crowd.end(), [](const Visitor& v) { return v.state() == Visitor::State::open; });
  const auto waiting =
      std::count_if(crowd.begin(), crowd.end(), [](const Visitor& v) { return v.state() == Visitor::State::waiting; });
  EXPECT_GE(open, 3);
  EXPECT_LE(open, 8);
  EXPECT_EQ(waiting, 0) << "the others are refused at once";
  EXPECT_TRUE(old.alive());
  EXPECT_TRUE(crowd.front().alive());
  EXPECT_NE(server.metrics(), "") << "full signaling blinds the operator";
  EXPECT_LT(cpu_share(control, 1s), 0.3);

  crowd.clear();
  EXPECT_TRUE(eventually([&] { return server.accepts(); })) << "it did not recover";
  EXPECT_TRUE(old.alive());
  EXPECT_EQ(server.child("sluice-control"), control) << server.log();
  EXPECT_EQ(server.child("sluice-worker"), worker);
  EXPECT_EQ(server.stop(), 0) << server.log();
}

TEST(DescriptorExhaustion, AcceptThatFailsDoesNotSpin) {
#ifdef SLUICE_SANITIZED
  GTEST_SKIP() << "UBSan looks at memory through a pipe, and takes a pipe that it cannot have for bad memory";
#endif
  ServerProcess server(same_user);
  ASSERT_TRUE(server.wait_until_ready()) << server.log();
  const pid_t control = server.child("sluice-control");
  Visitor old(server.port());
  // Not one is left, as when the whole machine has none (ENFILE).
  rlimit before{};
  ASSERT_EQ(::prlimit(control, RLIMIT_NOFILE, nullptr, &before), 0);
  ASSERT_TRUE(set_limit(control, RLIMIT_NOFILE, 3));
  std::vector<Visitor> crowd;
  for (int i = 0; i < 3; ++i) crowd.emplace_back(server.port(), 200ms);
  for (const Visitor& visitor : crowd) EXPECT_EQ(visitor.state(), Visitor::State::waiting);
  EXPECT_LT(cpu_share(control, 2s), 0.3) << "the accept loop spins";
  EXPECT_TRUE(old.alive());
  ASSERT_EQ(::prlimit(control, RLIMIT_NOFILE, &before, nullptr), 0);
  EXPECT_TRUE(eventually([&] { return server.accepts(); }, 10s)) << "it did not recover";
  EXPECT_NE(server.metrics(), "");
  EXPECT_TRUE(old.alive());
  EXPECT_EQ(server.child("sluice-control"), control) << server.log();
  EXPECT_EQ(server.stop(), 0) << server.log();
}

TEST(DescriptorExhaustion, TheSupervisorGoesOnAndStartsChildrenAgainWhenItCan) {
#ifdef SLUICE_SANITIZED
  GTEST_SKIP() << "UBSan looks at memory through a pipe, and takes a pipe that it cannot have for bad memory";
#endif
  ServerProcess server(same_user);
  ASSERT_TRUE(server.wait_until_ready()) << server.log();
  const pid_t control = server.child("sluice-control");
  const pid_t worker = server.child("sluice-worker");  // the oldest: spares come after it
  rlimit before{};
  ASSERT_EQ(::prlimit(server.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
  ASSERT_TRUE(set_limit(server.pid(), RLIMIT_NOFILE, 3));
  ASSERT_EQ(::kill(control, SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return server.child("sluice-control") != control; }));
  EXPECT_LT(cpu_share(server.pid(), 2s), 0.3) << "it retries without a pause";
  EXPECT_EQ(server.child("sluice-worker"), worker) << "media goes on";
  ASSERT_EQ(::prlimit(server.pid(), RLIMIT_NOFILE, &before, nullptr), 0);
  EXPECT_TRUE(eventually([&] { return server.accepts(); }, 30s)) << "control did not come back: " << server.log();
  EXPECT_EQ(server.child("sluice-worker"), worker);
  EXPECT_EQ(server.stop(), 0) << server.log();
}

}  // namespace
}  // namespace sluice::test
