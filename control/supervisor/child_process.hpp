#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "shm/descriptors/descriptor.hpp"
#include "shm/descriptors/descriptor_set.hpp"

namespace sluice::supervisor {

/// How a process ended.
struct Ending {
  bool by_signal = false;
  int number = 0;     // exit status or signal
  bool known = true;  // false: it was another process's child, so nobody told us how
  /// "exit 0", "signal 9 (Killed)" or "unknown".
  [[nodiscard]] std::string to_string() const;
};

/// What to start.
struct Launch {
  std::filesystem::path program;
  std::vector<std::string> arguments;    // after the program's name; "--descriptors=3" is added
  std::vector<std::string> environment;  // NAME=value
  int output = -1;                       // its standard output, borrowed for the call; -1: ours
};

/// A running child: in a session of its own, so that a terminal's Ctrl-C reaches only the supervisor, which stops the rest
/// in order, and no child can type into that terminal or continue what is stopped; standard input from /dev/null, output and
/// errors where ours go; every signal at its default but SIGXFSZ, which stays ignored. It does not die with the supervisor:
/// calls survive that.
class ChildProcess {
 public:
  /// Starts it. It waits for what it is given on descriptor 3, so whoever starts it can note its pid before it does
  /// anything. Throws StartError when the program cannot be started at all.
  [[nodiscard]] static ChildProcess start(const Launch& launch);
  /// A process that another supervisor started: the one with this pid and start time (process_reading.hpp), if it lives.
  [[nodiscard]] static std::optional<ChildProcess> adopt(pid_t pid, std::uint64_t start_time);

  /// Sends the descriptors that it waits for (receive_descriptors). A child that died meanwhile does not take them; its
  /// pidfd says so.
  void give(const std::vector<NamedDescriptor>& descriptors);
  /// Our end of the socket on its descriptor 3; -1 after give() and for an adopted process.
  [[nodiscard]] int socket() const noexcept { return socket_.get(); }
  /// Closes it; what the child has sent and nobody read is thrown away first, or the child's next receive would fail with
  /// ECONNRESET although its assignment is there.
  void close_socket() noexcept;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Readable when the process has ended.
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }
  /// Never reaches another process, even if the number was used again.
  void signal(int number) const noexcept;
  /// How it ended; nothing while it runs. To be called once more than it answers: after the answer the process is gone.
  [[nodiscard]] std::optional<Ending> reap() noexcept;

 private:
  pid_t pid_ = -1;
  Descriptor pidfd_;
  Descriptor socket_;
};

/// Which of our environment a child gets. Variables that configure the server may be secrets: only control reads them.
enum class Inherit : unsigned char { everything, without_configuration };
[[nodiscard]] std::vector<std::string> inherited_environment(Inherit what);

}  // namespace sluice::supervisor
