#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "shm/types/kind.hpp"
#include "shm/types/time.hpp"

namespace sluice::load {

/// What a run is to do.
struct LoadOptions {
  std::string url = "ws://127.0.0.1:3000";
  std::string admin = "http://127.0.0.1:4000";
  std::string admin_secret;
  std::uint32_t rooms = 1;
  std::uint32_t publishers = 2;   ///< per room
  std::uint32_t subscribers = 5;  ///< per room
  std::int64_t bitrate = 1'000'000;
  bool audio = true;
  bool video = true;
  SrtpProfile suite = SrtpProfile::aead_aes_128_gcm;
  Duration warmup = std::chrono::seconds(3);
  Duration duration = std::chrono::seconds(30);
  bool audit_indices = false;
  std::string report;  ///< file; empty: none
  std::string events;  ///< file; empty: none
  bool json = false;   ///< the report on standard output is JSON
  bool quiet = false;
  double drop = 0;                 ///< percent of media datagrams that get lost on purpose, each way
  std::optional<double> max_loss;  ///< percent
  std::optional<Duration> max_gap;
  std::optional<pid_t> server_pid;
  std::uint64_t seed = 1;
  bool help = false;
  [[nodiscard]] std::uint32_t kinds() const noexcept { return (audio ? 1U : 0U) + (video ? 1U : 0U); }
  [[nodiscard]] std::uint64_t streams() const noexcept { return std::uint64_t{rooms} * publishers * subscribers * kinds(); }
};

/// One sentence about a wrong command line.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// From `--name value`, `--name=value` and flags. Throws UsageError.
[[nodiscard]] LoadOptions read_options(std::span<const std::string> arguments);
[[nodiscard]] std::string help_text();

/// "aes128-gcm" and so on.
[[nodiscard]] const char* suite_name(SrtpProfile suite) noexcept;

}  // namespace sluice::load
