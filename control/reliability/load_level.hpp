#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

/// How loaded the server is (contract section 24).
enum class LoadLevel : std::uint8_t { normal, elevated, high, critical, shedding };
[[nodiscard]] constexpr std::string_view to_string(LoadLevel level) noexcept {
  switch (level) {
    case LoadLevel::normal:
      return "normal";
    case LoadLevel::elevated:
      return "elevated";
    case LoadLevel::high:
      return "high";
    case LoadLevel::critical:
      return "critical";
    case LoadLevel::shedding:
      break;
  }
  return "shedding";
}

/// Real figures of one moment. Ratios are of what there is; 1 is all of it.
struct LoadSample {
  double memory = 0;       // process memory in use of its limit
  double peers = 0;        // connected peers of maxPeers
  double loop_lag_ms = 0;  // by how much the loop's turns came late, on average since the last sample
  double workers = 0;      // time that the media workers were busy, of the busiest
};

/// The highest level that any of the figures calls for. Lag and workers alone never shed: peers who leave help neither.
[[nodiscard]] LoadLevel level_of(const LoadSample& sample) noexcept;

}  // namespace sluice
