#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <regex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shm/descriptors/descriptor.hpp"
#include "tests/support/spawned_program.hpp"

namespace sluice::test {

// As long as a sanitizer build on a loaded machine may need; nothing waits that long when it works.
inline constexpr auto patience = std::chrono::seconds(60);

/// A whole server as processes, stopped at the end, and all that it writes.
class ServerProcess {
 public:
  /// `words`: program and arguments; `environment`: NAME=value, added to ours.
  explicit ServerProcess(std::vector<std::string> words, const std::vector<std::string>& environment = {}) {
    SpawnedProgram program = spawn_program(std::move(words), environment);
    pid_ = program.pid;
    output_ = std::move(program.output);
    reader_ = std::thread([this] { read(); });
  }
  ~ServerProcess() { (void)stop(); }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const { (void)::kill(pid_, number); }
  [[nodiscard]] std::string output() {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  /// Waits until the output matches; the groups of the first match.
  std::optional<std::vector<std::string>> wait_for(const std::string& pattern) {
    const std::regex expression(pattern);
    std::unique_lock lock(mutex_);
    std::smatch match;
    const auto found = [&] { return std::regex_search(text_, match, expression); };
    if (!changed_.wait_for(lock, patience, [&] { return found() || ended_; }) || !found()) return std::nullopt;
    return std::vector<std::string>(match.begin(), match.end());
  }
  /// The pid that a child was last started with; 0 if it never was.
  [[nodiscard]] pid_t pid_of(const std::string& child) {
    const std::string text = output();
    const std::regex started("message=\"started\" child=" + child + " pid=(\\d+)");
    pid_t pid = 0;
    for (std::sregex_iterator it(text.begin(), text.end(), started), last; it != last; ++it) pid = std::stoi((*it)[1]);
    return pid;
  }
  /// Its exit status, or minus the signal; whoever is left over is killed.
  int stop() {
    if (pid_ <= 0) return status_;
    signal(SIGTERM);
    int status = 0;
    for (int i = 0; ::waitpid(pid_, &status, WNOHANG) == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      if (i == 2000) signal(SIGKILL);
    }
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    const std::string text = output();
    const std::regex started("message=\"started\" child=\\S+ pid=(\\d+)");
    if (status_ != 0) {
      for (std::sregex_iterator it(text.begin(), text.end(), started), last; it != last; ++it)
        (void)::kill(std::stoi((*it)[1]), SIGKILL);
    }
    pid_ = 0;
    reader_.join();
    return status_;
  }

 private:
  void read() {
    std::array<char, 4096> buffer{};
    ssize_t size = 0;
    while ((size = ::read(output_.get(), buffer.data(), buffer.size())) > 0) {
      const std::lock_guard lock(mutex_);
      text_.append(buffer.data(), static_cast<std::size_t>(size));
      changed_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  pid_t pid_ = 0;
  int status_ = 0;
  Descriptor output_;
  std::thread reader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  bool ended_ = false;
};

}  // namespace sluice::test
