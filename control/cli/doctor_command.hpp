#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::cli {

/// One thing that was looked at.
struct Finding {
  enum class State { good, could_be_better, bad };
  State state = State::good;
  std::string subject;  // "sockets"
  std::string found;    // what is so
  std::string advice;   // what to do; empty when good
};

/// The content of a file, or nothing: how the machine is asked, so that tests can be another machine.
using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;

/// What files of /proc and /sys say: kernel, buffers, CPU, clock source, swap, io_uring's switch.
[[nodiscard]] std::vector<Finding> examine_files(const ReadFile& read);

/// `sluice doctor`: looks at everything on which a media server depends here, and says of each what to do. 0: nothing bad.
int doctor(std::span<const std::string> arguments);

}  // namespace sluice::cli
