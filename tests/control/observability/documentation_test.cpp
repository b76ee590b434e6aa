// docs/metrics.md explains every series of /metrics: it must not fall behind.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

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

/// Every word of a file that begins as our metrics do.
std::set<std::string> metrics_in(const std::string& file) {
  std::ifstream stream(SLUICE_TEST_DATA "/../../docs/" + file);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  static const std::regex name("\\b(sluice|webrtc)_[a-z0-9_]+\\b");
  std::set<std::string> found;
  for (std::sregex_iterator word(text.begin(), text.end(), name), end; word != end; ++word) found.insert(word->str());
  return found;
}

TEST(Dashboards, NameOnlyMetricsThatThereAre) {
  const std::string text = page();
  for (const char* file : {"grafana/sluice.json", "prometheus/sluice-alerts.yml"}) {
    const std::set<std::string> used = metrics_in(file);
    EXPECT_GT(used.size(), 10U) << file;
    for (const std::string& metric : used) EXPECT_TRUE(names(text, metric)) << metric << " in " << file;
  }
}

TEST(Dashboards, GrafanasIsWellFormedAndItsPanelsDoNotOverlap) {
  std::ifstream stream(SLUICE_TEST_DATA "/../../docs/grafana/sluice.json");
  const nlohmann::json dashboard = nlohmann::json::parse(stream, nullptr, false);
  ASSERT_TRUE(dashboard.is_object());
  std::set<std::pair<int, int>> taken;
  std::set<int> ids;
  for (const nlohmann::json& panel : dashboard["panels"]) {
    EXPECT_TRUE(ids.insert(panel["id"].get<int>()).second);
    const nlohmann::json& at = panel["gridPos"];
    EXPECT_LE(at["x"].get<int>() + at["w"].get<int>(), 24);
    for (int x = at["x"]; x < at["x"].get<int>() + at["w"].get<int>(); ++x) {
      for (int y = at["y"]; y < at["y"].get<int>() + at["h"].get<int>(); ++y)
        EXPECT_TRUE(taken.insert({x, y}).second) << panel["title"];
    }
    if (panel["type"] != "row") {
      ASSERT_FALSE(panel["targets"].empty()) << panel["title"];
      for (const nlohmann::json& target : panel["targets"]) EXPECT_FALSE(target["expr"].get<std::string>().empty());
    }
  }
}

}  // namespace
}  // namespace sluice
