#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/load/options.hpp"
#include "tools/load/run_results.hpp"
#include "tools/load/server_processes.hpp"

namespace sluice::load {

/// What a run knows beside the media.
struct RunFacts {
  std::vector<ProcessGroup> processes;  ///< empty: the server's processes were not found
  std::int64_t memory_growth = 0;       ///< bytes, of all of them, since before the first peer
  std::int64_t generator_cpu_ns = 0;    ///< all threads, in the measurement
  std::uint64_t reconnects = 0;
  std::uint64_t sessions_lost = 0;
  std::uint64_t errors = 0;
  std::uint64_t consumers_closed = 0;
  std::uint64_t problems = 0;  ///< failed or closed DTLS associations
  bool ended_early = false;
};

/// The whole report; docs/benchmark.md explains its fields.
[[nodiscard]] nlohmann::ordered_json make_report(const LoadOptions& options, const MediaResults& results,
                                                 const RunFacts& facts);
/// The same for people.
[[nodiscard]] std::string report_text(const nlohmann::ordered_json& report);

struct Judgement {
  int status = 0;                    ///< exit status
  std::vector<std::string> reasons;  ///< one sentence each; empty when status is 0
};
[[nodiscard]] Judgement judge(const LoadOptions& options, const MediaResults& results);

}  // namespace sluice::load
