#pragma once

#include <sys/types.h>

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
  int number = 0;  // exit status or signal
  /// "exit 0" or "signal 9 (Killed)".
  [[nodiscard]] std::string to_string() const;
};

/// What to start.
struct Launch {
  std::filesystem::path program;
  std::vector<std::string> arguments;        // after the program's name; "--descriptors=3" is added
  std::vector<std::string> environment;      // NAME=value
  std::vector<NamedDescriptor> descriptors;  // borrowed for the call
};

/// A running child: in a process group of its own, so that a terminal's Ctrl-C reaches only the supervisor, which stops the
/// rest in order; standard input from /dev/null, output and errors where ours go; every signal at its default. It does not
/// die with the supervisor: calls survive that.
class ChildProcess {
 public:
  /// Starts it and sends the descriptors, which it receives on descriptor 3 (receive_descriptors). Throws StartError when
  /// the program cannot be started at all.
  [[nodiscard]] static ChildProcess start(const Launch& launch);

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
};

/// Which of our environment a child gets. Variables that configure the server may be secrets: only control reads them.
enum class Inherit : unsigned char { everything, without_configuration };
[[nodiscard]] std::vector<std::string> inherited_environment(Inherit what);

}  // namespace sluice::supervisor
