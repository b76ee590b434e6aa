#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace sluice::cli {

/// {p50, p95, p99, min, max, avg} in milliseconds, rounded to a hundredth; percentile p of n is element ceil(n·p/100) − 1 of
/// the sorted samples (contract section 39). Zeroes without samples.
[[nodiscard]] nlohmann::json latency_json(std::vector<double> samples_ms);

/// `sluice benchmark` without --media: clients of the native protocol in rooms, which broadcast and offer.
int signaling_benchmark(std::span<const std::string> arguments);

}  // namespace sluice::cli
