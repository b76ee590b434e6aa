#include "tests/integration/supervisor/server_under_test.hpp"

namespace sluice {
namespace {

TEST(Supervisor, GivesEachChildWhatItNeedsAndControlNoSecrets) {
  Server server(arguments(free_ports()));
  const auto line = server.wait_for("control pid=.*secrets=(\\S+) fingerprint=(\\d+) workers=(\\d+) config=(\\S+)");
  ASSERT_TRUE(line) << server.output();
  EXPECT_EQ((*line)[1], "no");
  EXPECT_EQ((*line)[2], "95");
  EXPECT_EQ((*line)[3], "1");
  EXPECT_EQ((*line)[4], R"({"signaling":{"port":1}})");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_for_end(), 0);
}

TEST(Supervisor, StartsControlAgainAtOnceOnTheSameMemory) {
  Server server(arguments(free_ports()));
  auto line = server.wait_for("control pid=(\\d+) starts=1 state=(\\d+) shared=(\\d+)");
  ASSERT_TRUE(line) << server.output();
  std::string state = (*line)[2];
  std::string shared = (*line)[3];
  for (const int starts : {2, 3}) {
    ASSERT_EQ(::kill(std::stoi((*line)[1]), SIGKILL), 0);
    line = server.wait_for("control pid=(\\d+) starts=" + std::to_string(starts) + " state=(\\d+) shared=(\\d+)");
    ASSERT_TRUE(line) << server.output();
    EXPECT_EQ((*line)[2], state);
    EXPECT_EQ((*line)[3], shared);
  }
  EXPECT_NE(server.output().find("after_ms=0"), std::string::npos) << "the first time at once";
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_for_end(), 0);
  server.expect_no_orphans();
}

TEST(Supervisor, StartsAWorkerAgainOnTheSameSegmentAndSockets) {
  Server server(arguments(free_ports()));
  auto pids = server.wait_until_ready();
  ASSERT_FALSE(pids.empty()) << server.output();
  ASSERT_EQ(::kill(pids["worker-0"], SIGKILL), 0);
  // The count of its processes lies in the shared segment.
  const pid_t successor = server.wait_for_successor(2);
  EXPECT_NE(successor, 0) << server.output();
  EXPECT_NE(successor, pids["worker-0"]);
  EXPECT_TRUE(is_alive(pids["control"]));
  EXPECT_TRUE(is_alive(pids["handshaker"]));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_for_end(), 0);
  server.expect_no_orphans();
}

TEST(Supervisor, StartsTheHandshakerAgain) {
  Server server(arguments(free_ports()));
  auto pids = server.wait_until_ready();
  ASSERT_FALSE(pids.empty()) << server.output();
  ASSERT_EQ(::kill(pids["handshaker"], SIGKILL), 0);
  EXPECT_NE(server.wait_for_start("handshaker"), 0);
  EXPECT_TRUE(server.wait_for("process=handshaker message=\"ready\"")) << server.output();
  EXPECT_TRUE(is_alive(pids["worker-0"]));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_for_end(), 0);
  server.expect_no_orphans();
}

TEST(Supervisor, KillsAndReplacesAChildThatHangs) {
  Server server(arguments(free_ports()));
  auto pids = server.wait_until_ready();
  ASSERT_FALSE(pids.empty()) << server.output();
  ASSERT_EQ(::kill(pids["worker-0"], SIGSTOP), 0);
  EXPECT_TRUE(server.wait_for("message=\"hangs, killing it\" child=worker-0")) << server.output();
  EXPECT_TRUE(server.wait_for("process=worker-0 message=\"ready\" engine=\\S+ incarnation=2")) << server.output();
  EXPECT_FALSE(is_alive(pids["worker-0"]));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_for_end(), 0);
  server.expect_no_orphans();
}

TEST(Supervisor, StopsControlFirstThenTheRestAndLeavesNobody) {
  Server server(arguments(free_ports()));
  ASSERT_FALSE(server.wait_until_ready().empty()) << server.output();
  server.signal(SIGINT);
  EXPECT_EQ(server.wait_for_end(), 0);
  server.expect_no_orphans();
  const std::string& text = server.output();
  const std::size_t control = text.find("message=\"stopped\" child=control");
  ASSERT_NE(control, std::string::npos) << text;
  EXPECT_LT(control, text.find("message=\"stopped\" child=worker-0"));
  EXPECT_LT(control, text.find("message=\"stopped\" child=handshaker"));
  EXPECT_EQ(text.find("killing the rest"), std::string::npos) << text;
  for (const char* child : {"control", "worker-0", "handshaker"}) {
    const std::regex clean("message=\"stopped\" child=" + std::string(child) + " pid=\\d+ ending=\"exit 0\"");
    EXPECT_TRUE(std::regex_search(text, clean)) << child << "\n" << text;
  }
}

TEST(Supervisor, KillsWhatDoesNotStopInTime) {
  Server server(arguments(free_ports(), "stubborn", 300));
  ASSERT_FALSE(server.wait_until_ready().empty()) << server.output();
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_for_end(), 0);
  server.expect_no_orphans();
  EXPECT_NE(server.output().find("killing the rest"), std::string::npos);
}

TEST(Supervisor, LosesPatienceAtTheSecondSignal) {
  Server server(arguments(free_ports(), "stubborn", 3600000));
  ASSERT_FALSE(server.wait_until_ready().empty()) << server.output();
  server.signal(SIGTERM);
  ASSERT_TRUE(server.wait_for("message=\"stopping\""));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_for_end(), 0);
  server.expect_no_orphans();
}

TEST(Supervisor, SaysInOneSentenceThatAPortIsBusy) {
  const BoundPort busy;
  Server server(arguments(busy.port()));
  EXPECT_EQ(server.wait_for_end(), 1);
  EXPECT_NE(server.output().find("127.0.0.1:" + std::to_string(busy.port()) + " is in use"), std::string::npos)
      << server.output();
  EXPECT_NE(server.output().find("--media.port"), std::string::npos);
  EXPECT_EQ(std::count(server.output().begin(), server.output().end(), '\n'), 1) << server.output();
  EXPECT_TRUE(server.all_children().empty());
}

TEST(Supervisor, EndsWhenControlRefusesItsConfiguration) {
  Server server(arguments(free_ports(), "refuse"));
  EXPECT_EQ(server.wait_for_end(), 1) << server.output();
  server.expect_no_orphans();
}

TEST(Supervisor, SaysThatAProgramIsMissing) {
  auto words = arguments(free_ports());
  words.emplace_back("/nowhere/sluice-handshaker");
  Server server(words);
  EXPECT_EQ(server.wait_for_end(), 1);
  EXPECT_NE(server.output().find("Cannot start /nowhere/sluice-handshaker"), std::string::npos) << server.output();
}

TEST(Supervisor, HasASpareTakeThePlaceOfADeadWorker) {
  Server server(arguments(free_ports()));
  auto pids = server.wait_until_ready();
  ASSERT_FALSE(pids.empty()) << server.output();
  const pid_t spare = server.wait_for_start("spare");
  ASSERT_NE(spare, 0) << server.output();
  // It is warm when it shows itself as one.
  ASSERT_TRUE(eventually([&] { return name_of(spare) == "sluice-spare"; })) << name_of(spare);
  EXPECT_EQ(name_of(pids["worker-0"]), "sluice-work-0");
  ASSERT_EQ(::kill(pids["worker-0"], SIGKILL), 0);
  EXPECT_EQ(server.wait_for_successor(2), spare) << server.output();
  EXPECT_EQ(name_of(spare), "sluice-work-0");
  EXPECT_NE(server.wait_for_start("spare"), 0) << "there is a new one";
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_for_end(), 0);
  server.expect_no_orphans();
}

TEST(Supervisor, ReplacesASpareThatDies) {
  Server server(arguments(free_ports()));
  ASSERT_FALSE(server.wait_until_ready().empty()) << server.output();
  const pid_t spare = server.wait_for_start("spare");
  ASSERT_EQ(::kill(spare, SIGKILL), 0);
  const pid_t next = server.wait_for_start("spare");
  EXPECT_NE(next, 0);
  EXPECT_NE(next, spare);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_for_end(), 0);
  server.expect_no_orphans();
}

TEST(Supervisor, HealsOneKillAfterAnotherAtOnce) {
  Server server(arguments(free_ports()));
  auto pids = server.wait_until_ready();
  ASSERT_FALSE(pids.empty()) << server.output();
  pid_t worker = pids["worker-0"];
  for (int kill = 2; kill < 12; ++kill) {
    std::this_thread::sleep_for(1100ms);
    ASSERT_EQ(::kill(worker, SIGKILL), 0);
    const auto line = server.wait_for("message=\"died, starting it again\" child=worker-0 .* after_ms=(\\d+)");
    ASSERT_TRUE(line) << server.output();
    EXPECT_EQ((*line)[1], "0");
    worker = server.wait_for_successor(kill);
    ASSERT_NE(worker, 0) << server.output();
  }
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_for_end(), 0);
  server.expect_no_orphans();
}

}  // namespace
}  // namespace sluice
