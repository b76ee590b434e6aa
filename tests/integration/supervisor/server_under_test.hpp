// A server under test: the supervisor as a process, its output, and its children's.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "shm/descriptors/descriptor_set.hpp"
#include "test_paths.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/scratch_folder.hpp"

namespace sluice {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::BoundPort;
using test::free_ports;
using test::ScratchFolder;

// As long as a sanitizer build on a loaded machine may need; nothing waits that long when it works.
inline constexpr auto patience = 60s;

/// Whether the process runs; one that has ended and waits for its parent does not.
inline bool is_alive(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  if (!std::getline(file, stat)) return false;
  const std::size_t name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat[name_end + 2] != 'Z' && stat[name_end + 2] != 'X';
}

/// What ps shows of it.
inline std::string name_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  (void)std::getline(file, name);
  return name;
}

/// Waits until `condition` holds; false if it does not come to that.
template <typename Condition>
bool eventually(Condition&& condition) {
  const auto end = Clock::now() + patience;
  while (!condition()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

/// Where the servers under test have their sockets.
inline const std::filesystem::path& runtime_folder_of_tests() {
  static const ScratchFolder scratch;
  return scratch.path();
}

/// Of supervisor_program: a server with one worker.
inline std::vector<std::string> arguments(std::uint16_t port, const std::string& behaviour = "normal",
                                          int stop_limit_ms = 30000) {
  return {std::to_string(port), "1", std::to_string(stop_limit_ms), behaviour, runtime_folder_of_tests().string()};
}

/// The supervisor as a process, its output, and its children's.
class Server {
 public:
  enum class AtEnd : unsigned char { kill_children, leave_children };
  explicit Server(std::vector<std::string> arguments, AtEnd at_end = AtEnd::kill_children,
                  const std::vector<NamedDescriptor>& handed_back = {})
      : at_end_(at_end) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    output_.reset(pipe[0]);
    const Descriptor input(pipe[1]);
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, input.get(), STDERR_FILENO);
    arguments.insert(arguments.begin(), SLUICE_BIN_DIR "/supervisor_program");
    // As a service manager passes what it stored (sd_listen_fds(3)); only the process itself knows its number.
    std::vector<Descriptor> passed;
    std::string names;
    for (const NamedDescriptor& given : handed_back) {
      passed.emplace_back(::fcntl(given.fd, F_DUPFD_CLOEXEC, 500));  // above all that they become
      (void)posix_spawn_file_actions_adddup2(&actions, passed.back().get(), 2 + static_cast<int>(passed.size()));
      names += (names.empty() ? "" : ":") + given.name;
    }
    if (!handed_back.empty()) {
      const std::string variables = "LISTEN_PID=$$ LISTEN_FDS=" + std::to_string(passed.size()) + " LISTEN_FDNAMES=" + names;
      arguments.insert(arguments.begin(), {"/bin/sh", "-c", variables + " exec \"$@\"", "sh"});
    }
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
    if (at_end_ == AtEnd::leave_children) return;
    for (const pid_t child : all_children()) {
      if (is_alive(child)) (void)::kill(child, SIGKILL);
    }
    // Those that we inherited from a killed supervisor.
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
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
  /// The same for several patterns that different processes write in any order: the first group of each, or nothing.
  std::vector<std::string> wait_for_all(const std::vector<std::string>& patterns) {
    const std::size_t begin = read_;
    std::size_t end = begin;
    std::vector<std::string> groups;
    for (const std::string& pattern : patterns) {
      read_ = begin;
      const auto match = wait_for(pattern);
      if (!match) return {};
      groups.push_back((*match)[1]);
      end = std::max(end, read_);
    }
    read_ = end;
    return groups;
  }
  /// Waits for a child to be started and returns its pid, or 0.
  pid_t wait_for_start(const std::string& child) {
    const auto match = wait_for(start_of(child));
    return match ? std::stoi((*match)[1]) : 0;
  }
  /// Waits until a successor of worker 0 was put in and works, whichever is written first; its pid, or 0.
  pid_t wait_for_successor(int incarnation) {
    const auto groups = wait_for_all({start_of("worker-0"), "process=worker-0 message=\"ready\" engine=\\S+ incarnation=(" +
                                                                std::to_string(incarnation) + ") "});
    return groups.empty() ? 0 : std::stoi(groups[0]);
  }
  /// What the supervisor writes when it starts a child; its pid as a group. Whole lines only: half a pid is another one.
  static std::string start_of(const std::string& child) { return "message=\"started\" child=" + child + " pid=(\\d+)\n"; }
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

  AtEnd at_end_;
  pid_t pid_ = -1;
  bool ended_ = false;
  Descriptor output_;
  std::string text_;
  std::string rest_;  // what the last match points into
  std::size_t read_ = 0;
};

}  // namespace sluice
