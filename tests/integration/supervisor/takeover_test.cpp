// The supervisor dies, and a new one takes over what runs.
#include <sys/prctl.h>

#include "tests/integration/supervisor/server_under_test.hpp"

namespace sluice {
namespace {

class Takeover : public testing::Test {
 protected:
  Takeover() {
    // What a killed supervisor leaves behind becomes ours, as it would init's.
    (void)::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  }
  /// A server whose supervisor has been killed; the others work.
  void kill_supervisor(Server& server) {
    pids_ = server.wait_until_ready();
    ASSERT_FALSE(pids_.empty()) << server.output();
    server.signal(SIGKILL);
    ASSERT_EQ(server.wait_for_end(), -SIGKILL);
    for (const auto& [name, pid] : pids_) EXPECT_TRUE(is_alive(pid)) << name;
  }
  void expect_adopted(Server& server, const std::string& name) {
    EXPECT_TRUE(server.wait_for("message=\"adopted\" child=" + name + " pid=" + std::to_string(pids_[name]) + "\\s"))
        << server.output();
  }
  void end(Server& server) {
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait_for_end(), 0) << server.output();
    server.expect_no_orphans();
    for (const auto& [name, pid] : pids_) EXPECT_FALSE(is_alive(pid)) << name << "\n" << server.output();
  }
  std::uint16_t port_ = free_ports();
  std::map<std::string, pid_t> pids_;
};

TEST_F(Takeover, ANewSupervisorWatchesWhatTheDeadOneLeft) {
  Server first(arguments(port_));
  const pid_t keeper = first.wait_for_start("keeper");
  ASSERT_NO_FATAL_FAILURE(kill_supervisor(first));
  EXPECT_TRUE(is_alive(keeper));
  Server second(arguments(port_));
  for (const char* name : {"handshaker", "worker-0", "control"}) expect_adopted(second, name);
  EXPECT_NE(second.wait_for_start("keeper"), 0) << second.output();
  EXPECT_TRUE(eventually([&] { return !is_alive(keeper); }));
  for (const auto& [name, pid] : pids_) EXPECT_TRUE(is_alive(pid)) << name;
  // They are in good hands.
  ASSERT_EQ(::kill(pids_["worker-0"], SIGKILL), 0);
  EXPECT_NE(second.wait_for_successor(2), 0) << second.output();
  end(second);
  first.expect_no_orphans();
}

TEST_F(Takeover, WorksAgainAndAgain) {
  Server first(arguments(port_));
  const pid_t keeper_of_first = first.wait_for_start("keeper");
  ASSERT_NO_FATAL_FAILURE(kill_supervisor(first));
  for (int i = 0; i < 3; ++i) {
    Server next(arguments(port_), Server::AtEnd::leave_children);
    for (const char* name : {"handshaker", "worker-0", "control"}) expect_adopted(next, name);
    ASSERT_NE(next.wait_for_start("keeper"), 0) << next.output();
    next.signal(SIGKILL);
    ASSERT_EQ(next.wait_for_end(), -SIGKILL);
  }
  Server last(arguments(port_));
  for (const char* name : {"handshaker", "worker-0", "control"}) expect_adopted(last, name);
  end(last);
  // Nor any keeper that its supervisor had no time to end.
  EXPECT_TRUE(eventually([&] { return !is_alive(keeper_of_first); }));
}

TEST_F(Takeover, StartsWhatDiedMeanwhile) {
  Server first(arguments(port_));
  ASSERT_NO_FATAL_FAILURE(kill_supervisor(first));
  ASSERT_EQ(::kill(pids_["worker-0"], SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return !is_alive(pids_["worker-0"]); }));
  Server second(arguments(port_));
  expect_adopted(second, "handshaker");
  EXPECT_TRUE(second.wait_for("process=worker-0 message=\"ready\" engine=\\S+ incarnation=2")) << second.output();
  end(second);
}

TEST_F(Takeover, StartsControlAnewWhenTheConfigurationIsAnotherOne) {
  Server first(arguments(port_));
  ASSERT_NO_FATAL_FAILURE(kill_supervisor(first));
  Server second(arguments(port_, "other"));
  expect_adopted(second, "worker-0");
  EXPECT_TRUE(second.wait_for("control pid=\\d+ starts=2 .*config=\\{\"signaling\":\\{\"port\":2")) << second.output();
  EXPECT_FALSE(is_alive(pids_["control"]));
  EXPECT_TRUE(is_alive(pids_["worker-0"]));
  end(second);
}

TEST_F(Takeover, IsRefusedToAServerOfAnotherShape) {
  Server first(arguments(port_));
  ASSERT_NO_FATAL_FAILURE(kill_supervisor(first));
  auto other = arguments(port_);
  other[1] = "2";
  {
    Server second(other);
    EXPECT_EQ(second.wait_for_end(), 1);
    EXPECT_NE(second.output().find("--workers.count=1"), std::string::npos) << second.output();
  }
  for (const auto& [name, pid] : pids_) EXPECT_TRUE(is_alive(pid)) << name;
  Server third(arguments(port_));
  expect_adopted(third, "worker-0");
  end(third);
}

TEST_F(Takeover, IsRefusedWhileTheSupervisorLives) {
  Server first(arguments(port_));
  pids_ = first.wait_until_ready();
  ASSERT_FALSE(pids_.empty()) << first.output();
  {
    Server second(arguments(port_));
    EXPECT_EQ(second.wait_for_end(), 1);
    EXPECT_NE(second.output().find("is in use"), std::string::npos) << second.output();
  }
  for (const auto& [name, pid] : pids_) EXPECT_TRUE(is_alive(pid)) << name;
  end(first);
}

TEST_F(Takeover, AKeeperThatDiesComesBack) {
  Server first(arguments(port_));
  const pid_t keeper = first.wait_for_start("keeper");
  pids_ = first.wait_until_ready();
  ASSERT_EQ(::kill(keeper, SIGKILL), 0);
  const pid_t next = first.wait_for_start("keeper");
  ASSERT_NE(next, 0) << first.output();
  EXPECT_NE(next, keeper);
  first.signal(SIGKILL);
  ASSERT_EQ(first.wait_for_end(), -SIGKILL);
  Server second(arguments(port_));
  for (const char* name : {"handshaker", "worker-0", "control"}) expect_adopted(second, name);
  end(second);
}

TEST_F(Takeover, LeavesNoSocketsBehind) {
  Server first(arguments(port_));
  pids_ = first.wait_until_ready();
  const auto keeper = runtime_folder_of_tests() / ("keeper-" + std::to_string(port_) + "@127.0.0.1.sock");
  EXPECT_TRUE(std::filesystem::exists(keeper));
  end(first);
  EXPECT_FALSE(std::filesystem::exists(keeper));
}

}  // namespace
}  // namespace sluice
