// docs/metrics.md explains every series of /metrics: it must not fall behind.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>

#include "control/observability/prometheus_text.hpp"
#include "control/observability/room_metrics.hpp"
#include "control/observability/worker_metrics.hpp"
#include "shm/counters/counter_block.hpp"
#include "shm/types/entropy.hpp"
#include "test_paths.hpp"

namespace sluice {
namespace {

std::string page() {
  std::ifstream file(SLUICE_TEST_DATA "/../../docs/metrics.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool names(const std::string& text, std::string_view what) {
  return text.find("`" + std::string(what) + "`") != std::string::npos;
}

TEST(MetricsPage, ExplainsEveryCounterOfAWorkerAndEveryReasonOfADrop) {
  const std::string text = page();
  constexpr std::string_view reason = "reason=\"";
  for (const CounterInfo& counter : counter_infos) {
    EXPECT_TRUE(names(text, counter.family)) << counter.family;
    if (!counter.labels.starts_with(reason)) continue;
    std::string_view value = counter.labels.substr(reason.size());
    value.remove_suffix(1);  // the closing quote
    EXPECT_TRUE(names(text, value)) << counter.labels;
  }
}

TEST(MetricsPage, ExplainsEveryFamilyThatIsWritten) {
  Bus bus;
  SystemEntropy entropy;
  const Rooms rooms(bus, entropy, {}, [](TimePoint) { return std::int64_t{0}; });
  const RoomMetrics metrics(bus, rooms, [] { return TimePoint{}; });
  PrometheusText written;
  metrics.write(written);
  write_worker_metrics({}, TimePoint{}, written);

  const std::string text = page();
  std::istringstream lines(written.text());
  std::size_t families = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash;
    std::string type;
    std::string family;
    words >> hash >> type >> family;
    if (type != "TYPE") continue;
    ++families;
    EXPECT_TRUE(names(text, family)) << family;
  }
  EXPECT_GT(families, 50U);
}

}  // namespace
}  // namespace sluice
