// A running server moves to another build.
#include <sys/un.h>

#include "control/supervisor/local_socket.hpp"
#include "control/supervisor/upgrade_socket.hpp"
#include "test_paths.hpp"
#include "tests/integration/supervisor/server_under_test.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using supervisor::UpgradeAnswer;
using supervisor::UpgradeRequest;

class Upgrading : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"supervisor_program", "control_stand_in_program", "sluice-worker", "sluice-handshaker", "sluice-keeper"}) {
      fs::copy_file(fs::path(SLUICE_BIN_DIR) / name, build_.path() / name);
    }
    pids_ = server_.wait_until_ready();
    ASSERT_FALSE(pids_.empty()) << server_.output();
  }
  fs::path socket_path() const {
    supervisor::SupervisorConfig config;
    config.runtime_folder = runtime_folder_of_tests();
    config.media_port = port_;
    config.listen = {*SocketAddress::parse("127.0.0.1", 0)};
    return supervisor::upgrade_path(config);
  }
  /// Asks and waits for the last answer.
  UpgradeAnswer upgrade_to(const fs::path& folder) {
    const Descriptor socket = supervisor::connect_to(socket_path(), std::chrono::milliseconds(patience));
    UpgradeRequest request;
    const std::string text = folder.string();
    std::copy(text.begin(), text.end(), request.folder.begin());
    EXPECT_EQ(::send(socket.get(), &request, sizeof(request), 0), static_cast<ssize_t>(sizeof(request)));
    UpgradeAnswer answer;
    do {
      if (::recv(socket.get(), &answer, sizeof(answer), 0) != static_cast<ssize_t>(sizeof(answer))) {
        ADD_FAILURE() << "the supervisor went away\n" << server_.output();
        answer.kind = UpgradeAnswer::Kind::refused;
        break;
      }
    } while (answer.kind == UpgradeAnswer::Kind::progress);
    return answer;
  }
  void expect_unchanged() {
    for (const auto& [name, pid] : pids_) EXPECT_TRUE(is_alive(pid)) << name;
    EXPECT_EQ(program_of(server_.pid()), fs::path(SLUICE_BIN_DIR) / "supervisor_program");
  }
  static fs::path program_of(pid_t pid) {
    std::error_code ignored;
    return fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", ignored);
  }
  void end() {
    server_.signal(SIGTERM);
    EXPECT_EQ(server_.wait_for_end(), 0) << server_.output();
    server_.expect_no_orphans();
  }
  std::uint16_t port_ = free_ports();
  test::ScratchFolder build_;
  Server server_{arguments(port_)};
  std::map<std::string, pid_t> pids_;
};

TEST_F(Upgrading, MovesEveryProcessAndKeepsSocketsAndSegments) {
  const std::regex control_line("control pid=\\d+ starts=1 state=(\\d+) shared=(\\d+)");
  std::smatch before;
  const std::string output = server_.output();
  ASSERT_TRUE(std::regex_search(output, before, control_line));
  const UpgradeAnswer answer = upgrade_to(build_.path());
  ASSERT_EQ(answer.kind, UpgradeAnswer::Kind::done) << answer.text.data() << "\n" << server_.output();
  for (const auto& [name, pid] : pids_) EXPECT_FALSE(is_alive(pid)) << name;
  // The same process, another program.
  EXPECT_EQ(program_of(server_.pid()), build_.path() / "supervisor_program");
  EXPECT_TRUE(server_.wait_for("process=worker-0 message=\"ready\" engine=\\S+ incarnation=2")) << server_.output();
  const auto after = server_.wait_for("control pid=\\d+ starts=2 state=(\\d+) shared=(\\d+)");
  ASSERT_TRUE(after) << server_.output();
  EXPECT_EQ((*after)[1], before[1]);
  EXPECT_EQ((*after)[2], before[2]);
  for (const char* name : {"handshaker", "worker-0", "control"}) {
    const auto adopted = server_.wait_for("message=\"adopted\" child=" + std::string(name) + " pid=(\\d+)");
    ASSERT_TRUE(adopted) << server_.output();
    const pid_t pid = std::stoi((*adopted)[1]);
    EXPECT_EQ(program_of(pid).parent_path(), build_.path()) << name;
  }
  // Whatever starts from here on is of the new build, too.
  const auto worker = server_.wait_for_start("spare");
  EXPECT_NE(worker, 0);
  EXPECT_EQ(program_of(worker).parent_path(), build_.path());
  end();
}

TEST_F(Upgrading, CanGoBack) {
  ASSERT_EQ(upgrade_to(build_.path()).kind, UpgradeAnswer::Kind::done) << server_.output();
  ASSERT_EQ(upgrade_to(SLUICE_BIN_DIR).kind, UpgradeAnswer::Kind::done) << server_.output();
  EXPECT_EQ(program_of(server_.pid()), fs::path(SLUICE_BIN_DIR) / "supervisor_program");
  EXPECT_TRUE(server_.wait_for("process=worker-0 message=\"ready\" engine=\\S+ incarnation=3")) << server_.output();
  end();
}

TEST_F(Upgrading, IsRefusedWhenAProgramIsMissing) {
  fs::remove(build_.path() / "sluice-handshaker");
  const UpgradeAnswer answer = upgrade_to(build_.path());
  EXPECT_EQ(answer.kind, UpgradeAnswer::Kind::refused);
  EXPECT_NE(std::string(answer.text.data()).find("sluice-handshaker"), std::string::npos) << answer.text.data();
  expect_unchanged();
  end();
}

TEST_F(Upgrading, IsRefusedWhenTheNewWorkerCannotAdopt) {
  fs::remove(build_.path() / "sluice-worker");
  {
    std::ofstream worker(build_.path() / "sluice-worker");
    worker
        << "#!/bin/sh\necho 'recovery 999.0 0123456789abcdef 4096'\necho 'shared 1.0 1 4096'\necho 'handshake 1.0 1 4096'\n";
  }
  fs::permissions(build_.path() / "sluice-worker", fs::perms::owner_all);
  const UpgradeAnswer answer = upgrade_to(build_.path());
  EXPECT_EQ(answer.kind, UpgradeAnswer::Kind::refused);
  EXPECT_NE(std::string(answer.text.data()).find("cannot take over"), std::string::npos) << answer.text.data();
  expect_unchanged();
  end();
}

TEST_F(Upgrading, IsRefusedForEachLayoutThatDiffers) {
  fs::rename(build_.path() / "sluice-worker", build_.path() / "real");
  for (const std::string name : {"recovery", "shared", "handshake", "pulse", "wishes"}) {
    {
      std::ofstream worker(build_.path() / "sluice-worker");
      worker << "#!/bin/sh\n"
             << (build_.path() / "real").string() << " \"$@\" | sed 's/^" << name << " [0-9]*[.]/" << name << " 77./'\n";
    }
    fs::permissions(build_.path() / "sluice-worker", fs::perms::owner_all);
    const UpgradeAnswer answer = upgrade_to(build_.path());
    EXPECT_EQ(answer.kind, UpgradeAnswer::Kind::refused) << name;
    EXPECT_NE(std::string(answer.text.data()).find("the " + name + " segment has version 77"), std::string::npos)
        << answer.text.data();
  }
  expect_unchanged();
  end();
}

TEST_F(Upgrading, IsRefusedWhenTheNewServerWouldNotTakeOver) {
  // The real one, of whom more workers are wanted: a configuration file that was edited meanwhile does that.
  fs::rename(build_.path() / "supervisor_program", build_.path() / "real");
  {
    std::ofstream server(build_.path() / "supervisor_program");
    server << "#!/bin/sh\ncheck=$1 port=$2\nshift 3\nexec " << (build_.path() / "real").string()
           << " \"$check\" \"$port\" 7 \"$@\"\n";
  }
  fs::permissions(build_.path() / "supervisor_program", fs::perms::owner_all);
  UpgradeAnswer answer = upgrade_to(build_.path());
  EXPECT_EQ(answer.kind, UpgradeAnswer::Kind::refused);
  EXPECT_NE(std::string(answer.text.data()).find("--workers.count="), std::string::npos) << answer.text.data();
  {
    std::ofstream server(build_.path() / "supervisor_program");
    server << "#!/bin/sh\nexit 3\n";
  }
  answer = upgrade_to(build_.path());
  EXPECT_EQ(answer.kind, UpgradeAnswer::Kind::refused);
  EXPECT_NE(std::string(answer.text.data()).find("exit 3"), std::string::npos) << answer.text.data();
  expect_unchanged();
  end();
}

TEST_F(Upgrading, GoesBackWhenTheNewWorkerDoesNotStart) {
  // It says that it fits, and is none.
  fs::rename(build_.path() / "sluice-worker", build_.path() / "real");
  {
    std::ofstream worker(build_.path() / "sluice-worker");
    worker << "#!/bin/sh\n[ \"$1\" = --describe-layout ] && exec " << (build_.path() / "real").string()
           << " --describe-layout\nexit 3\n";
  }
  fs::permissions(build_.path() / "sluice-worker", fs::perms::owner_all);
  const UpgradeAnswer answer = upgrade_to(build_.path());
  EXPECT_EQ(answer.kind, UpgradeAnswer::Kind::refused);
  expect_unchanged();
  end();
}

TEST_F(Upgrading, IgnoresWhatIsNoRequest) {
  {
    const Descriptor socket = supervisor::connect_to(socket_path(), std::chrono::milliseconds(patience));
    EXPECT_GT(::send(socket.get(), "upgrade", 7, 0), 0);
    char nothing = 0;
    EXPECT_EQ(::recv(socket.get(), &nothing, 1, 0), 0) << "it hung up";
  }
  EXPECT_EQ(upgrade_to("/nowhere").kind, UpgradeAnswer::Kind::refused);
  expect_unchanged();
  end();
}

}  // namespace
}  // namespace sluice
