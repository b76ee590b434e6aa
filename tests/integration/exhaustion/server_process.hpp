#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shm/descriptors/descriptor.hpp"
#include "tests/support/scratch_folder.hpp"

namespace sluice::test {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// As long as a sanitizer build on a loaded machine may need; nothing waits that long when it works.
inline constexpr auto patience = 60s;

/// True as soon as `condition` is, false after `limit`.
bool eventually(const std::function<bool()>& condition, Clock::duration limit = patience);

/// The real `sluice serve` on ports of its own, with one worker. Killed with all its children at the end, if it lives.
class ServerProcess {
 public:
  struct Setup {
    std::vector<std::string> options = {};              ///< more of the command line
    std::vector<std::string> environment = {};          ///< NAME=value, beside ours
    std::map<__rlimit_resource_t, rlim_t> limits = {};  ///< by RLIMIT_..., for the supervisor and so for all
    const char* stdout_path = nullptr;                  ///< instead of being read here
    const char* stderr_path = nullptr;
  };
  ServerProcess() : ServerProcess(Setup{}) {}
  explicit ServerProcess(const Setup& setup);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// Waits for "sluice ready"; without a standard output of ours, for a WebSocket that opens.
  bool wait_until_ready();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// All children whose program has this name ("sluice-control"), oldest first.
  [[nodiscard]] std::vector<pid_t> children(const std::string& program) const;
  [[nodiscard]] pid_t child(const std::string& program) const;
  /// What it and its children said on standard error so far.
  [[nodiscard]] std::string log() const;
  /// Waits for the end; exit status, or minus the signal; nothing when it did not end.
  std::optional<int> wait_for_end(Clock::duration limit = patience);
  /// SIGTERM and wait_for_end().
  std::optional<int> stop();

  /// The text of /metrics; empty when it cannot be had within `limit`.
  [[nodiscard]] std::string metrics(Clock::duration limit = 5s) const;
  /// Whether a new WebSocket opens.
  [[nodiscard]] bool accepts() const;

 private:
  ScratchFolder folder_;
  pid_t pid_ = -1;
  bool ended_ = false;
  std::uint16_t port_ = 0, admin_port_ = 0;
  bool reads_output_ = true;
  Descriptor output_, log_;
};

/// Of any process: the share of one core that it burns during `length`; open descriptors; bytes of address space and data.
double cpu_share(pid_t pid, Clock::duration length);
std::size_t open_descriptors(pid_t pid);
std::uint64_t status_bytes(pid_t pid, const std::string& field);
/// Sets the soft limit of a running process; the hard one stays.
bool set_limit(pid_t pid, __rlimit_resource_t resource, rlim_t value);

/// A WebSocket that may fail to open, without waiting long: tests of refusals open many.
class Visitor {
 public:
  explicit Visitor(std::uint16_t port, Clock::duration limit = 2s);
  ~Visitor();
  Visitor(Visitor&& other) noexcept : fd_(std::exchange(other.fd_, -1)), state_(other.state_) {}
  Visitor& operator=(Visitor&&) = delete;
  enum class State { open, refused, waiting };
  [[nodiscard]] State state() const { return state_; }
  /// A ping, answered.
  [[nodiscard]] bool alive(Clock::duration limit = 5s);
  /// The beginning of a text message, of `size` bytes, that never ends.
  void begin_message(std::size_t size) const;

 private:
  [[nodiscard]] std::string read_some(Clock::duration limit) const;
  int fd_ = -1;
  State state_ = State::waiting;
};

}  // namespace sluice::test
