#include "control/observability/worker_metrics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>

namespace sluice {
namespace {

std::string metrics_of(const SharedSegment& segment, TimePoint now) {
  PrometheusText out;
  write_worker_metrics({{WorkerId{0}, &*segment}}, now, out);
  return out.text();
}

TEST(WorkerMetrics, TakesAnyTimeOfAHeartbeatThatAWorkerMayWrite) {
  auto segment = SharedSegment::create("test", 1);
  ASSERT_TRUE(segment);
  const TimePoint now(std::chrono::seconds(1000));
  const std::array<std::pair<std::int64_t, const char*>, 5> beats{
      {{999'000'000'000, " 1\n"}, {1'001'000'000'000, " 1\n"}, {INT64_MIN, " 9.22"}, {INT64_MAX, " 9.22"}, {0, " 1000\n"}}};
  for (const auto& [at_ns, text] : beats) {
    (*segment)->worker_heartbeat.at_ns.store(at_ns);
    (*segment)->worker_heartbeat.beats.store(1);
    const std::string all = metrics_of(*segment, now);
    EXPECT_NE(all.find("sluice_worker_heartbeat_age_seconds{worker=\"0\"}" + std::string(text)), std::string::npos)
        << at_ns << "\n"
        << all.substr(all.find("sluice_worker_heartbeat_age_seconds"));
  }
}

}  // namespace
}  // namespace sluice
