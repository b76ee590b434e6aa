#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "shm/descriptors/descriptor.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// As long as a sanitizer build on a loaded machine may need; nothing waits that long when it works.
constexpr auto patience = 60s;

/// A UDP socket on a port of 127.0.0.1.
class BoundPort {
 public:
  explicit BoundPort(std::uint16_t port = 0) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bound_ = ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
    socklen_t length = sizeof(name);
    (void)::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&name), &length);
    port_ = ntohs(name.sin_port);
  }
  [[nodiscard]] bool bound() const { return bound_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  Descriptor socket_;
  bool bound_ = false;
  std::uint16_t port_ = 0;
};

/// A port that is free now, with the one after it.
std::uint16_t free_ports() {
  while (true) {
    const BoundPort first;
    const BoundPort second(static_cast<std::uint16_t>(first.port() + 1));
    if (first.bound() && second.bound() && first.port() < 65000) return first.port();
  }
}

bool is_alive(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

/// The supervisor as a process, its output, and its children's.
class Server {
 public:
  explicit Server(std::vector<std::string> arguments) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    output_.reset(pipe[0]);
    const Descriptor input(pipe[1]);
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, input.get(), STDERR_FILENO);
    arguments.insert(arguments.begin(), SLUICE_BIN_DIR "/supervisor_program");
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    if (::posix_spawn(&pid_, words[0], &actions, nullptr, words.data(), environ) != 0) throw std::runtime_error("spawn");
    (void)posix_spawn_file_actions_destroy(&actions);
  }
  ~Server() {
    if (!ended_) {
      (void)::kill(pid_, SIGKILL);
      (void)::waitpid(pid_, nullptr, 0);
    }
    // Whatever the supervisor under test left behind.
    drain();
    for (const pid_t child : all_children()) {
      if (is_alive(child)) (void)::kill(child, SIGKILL);
    }
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::string& output() const { return text_; }

  /// The first match of `pattern` after the last one that was waited for; its groups. Nothing if it did not come.
  std::optional<std::smatch> wait_for(const std::string& pattern) {
    const std::regex expression(pattern);
    const auto end = Clock::now() + patience;
    while (true) {
      rest_ = text_.substr(read_);
      std::smatch match;
      if (std::regex_search(rest_, match, expression)) {
        read_ += static_cast<std::size_t>(match.position() + match.length());
        return match;
      }
      if (Clock::now() > end || !read_more(end)) return std::nullopt;
    }
  }
  /// Waits for a child to be started and returns its pid, or 0.
  pid_t wait_for_start(const std::string& child) {
    const auto match = wait_for("message=\"started\" child=" + child + " pid=(\\d+)");
    return match ? std::stoi((*match)[1]) : 0;
  }
  /// Waits until everything with one worker works; the pids by name. Empty if it does not come to that.
  std::map<std::string, pid_t> wait_until_ready() {
    std::map<std::string, pid_t> pids;
    for (const char* name : {"handshaker", "worker-0", "control"}) pids[name] = wait_for_start(name);
    // In any order: look from the beginning.
    for (const char* line :
         {"process=handshaker message=\"ready\"", "process=worker-0 message=\"ready\"", "control pid=\\d+ starts=1"}) {
      read_ = 0;
      if (!wait_for(line)) return {};
    }
    read_ = text_.size();
    return pids;
  }
  void signal(int number) const { (void)::kill(pid_, number); }
  /// Waits for the supervisor to end; its exit status, or -signal.
  int wait_for_end() {
    const auto end = Clock::now() + patience;
    int status = 0;
    while (::waitpid(pid_, &status, WNOHANG) == 0) {
      if (Clock::now() > end) return -1000;
      (void)read_more(Clock::now() + 20ms);
    }
    ended_ = true;
    drain();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  /// Every pid that was ever started.
  [[nodiscard]] std::vector<pid_t> all_children() const {
    std::vector<pid_t> pids;
    const std::regex started("message=\"started\" child=\\S+ pid=(\\d+)");
    for (std::sregex_iterator it(text_.begin(), text_.end(), started), last; it != last; ++it)
      pids.push_back(std::stoi((*it)[1]));
    return pids;
  }
  void expect_no_orphans() const {
    for (const pid_t child : all_children()) EXPECT_FALSE(is_alive(child)) << child << "\n" << text_;
  }

 private:
  bool read_more(Clock::time_point until) {
    pollfd ready{output_.get(), POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) <= 0) return Clock::now() < until;
    std::array<char, 4096> buffer{};
    const ssize_t size = ::read(output_.get(), buffer.data(), buffer.size());
    if (size <= 0) return false;
    text_.append(buffer.data(), static_cast<std::size_t>(size));
    return true;
  }
  void drain() {
    (void)::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    while (true) {
      std::array<char, 4096> buffer{};
      const ssize_t size = ::read(output_.get(), buffer.data(), buffer.size());
      if (size <= 0) return;
      text_.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }

  pid_t pid_ = -1;
  bool ended_ = false;
  Descriptor output_;
  std::string text_;
  std::string rest_;  // what the last match points into
  std::size_t read_ = 0;
};

std::vector<std::string> arguments(std::uint16_t port, const std::string& behaviour = "normal", int stop_limit_ms = 30000) {
  return {std::to_string(port), "1", std::to_string(stop_limit_ms), behaviour};
}

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
  const pid_t successor = server.wait_for_start("worker-0");
  EXPECT_NE(successor, 0) << server.output();
  EXPECT_NE(successor, pids["worker-0"]);
  // The count of its processes lies in the shared segment.
  EXPECT_TRUE(server.wait_for("process=worker-0 message=\"ready\" engine=\\S+ incarnation=2")) << server.output();
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

TEST(Supervisor, LeavesItsChildrenAtWorkWhenItIsKilled) {
  Server server(arguments(free_ports()));
  const auto pids = server.wait_until_ready();
  ASSERT_FALSE(pids.empty()) << server.output();
  server.signal(SIGKILL);
  EXPECT_EQ(server.wait_for_end(), -SIGKILL);
  for (const auto& [name, pid] : pids) {
    EXPECT_TRUE(is_alive(pid)) << name;
    // They still answer for themselves.
    EXPECT_EQ(::kill(pid, SIGTERM), 0);
  }
}

}  // namespace
}  // namespace sluice
