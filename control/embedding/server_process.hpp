#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "shm/descriptors/descriptor.hpp"
#include "shm/types/result.hpp"

namespace sluice::embedding {

/// How a server is to be started.
struct LaunchOrder {
  std::string program;         // of `sluice`; empty: looked for
  std::string control_socket;  // where it is to be
  nlohmann::json configuration = nlohmann::json::object();
  std::string log_file;       // empty: our standard error
  bool ends_with_us = false;  // when the thread that started it ends, it gets SIGTERM
  std::chrono::milliseconds limit{30'000};
};

/// A `sluice serve` that we started. Not a guard: letting go of it ends nothing.
class ServerProcess {
 public:
  /// Writes the configuration beside the control socket (mode 0600: it holds secrets), starts the program, and waits for its
  /// line "sluice ready". The error is a sentence.
  [[nodiscard]] static Result<ServerProcess, std::string> start(const LaunchOrder& order);

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Asks it to end (SIGTERM) if `asks`, and waits at most so long. False: it still runs.
  bool end(bool asks, std::chrono::milliseconds patience);

 private:
  explicit ServerProcess(pid_t pid, Descriptor output) : pid_(pid), output_(std::move(output)) {}
  pid_t pid_ = -1;     // -1: it is over
  Descriptor output_;  // kept open: a later "sluice ready" of a successor of control has somewhere to go
};

/// The program to start: `given`, else SLUICE_PROGRAM, else `sluice` where it was installed beside this library, else in
/// PATH.
[[nodiscard]] std::string find_program(const std::string& given);
/// A TCP port that is free at this moment; 0 when there is none.
[[nodiscard]] std::uint16_t find_free_port();
/// A folder of this program's own for the socket of a server without a name, mode 0700. The error is a sentence.
[[nodiscard]] Result<std::filesystem::path, std::string> make_private_folder();

}  // namespace sluice::embedding
