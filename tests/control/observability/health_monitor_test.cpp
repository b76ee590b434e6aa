#include "control/observability/health_monitor.hpp"

#include <gtest/gtest.h>

#include "tests/support/room_world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct HealthFixture : ::testing::Test {
  test::RoomWorld world;
  RoomMetrics metrics{world.bus, world.rooms, world.clock()};
  std::map<std::string, double, std::less<>> values{{"heap_ratio", 0.2}};
  HealthMonitorOptions options;
  std::unique_ptr<HealthMonitor> health;
  std::vector<std::string> events;
  std::vector<Bus::Subscription> subscriptions;

  void SetUp() override {
    make();
    subscriptions.push_back(
        world.bus.subscribe<SloBreached>([this](const SloBreached& fact) { events.push_back("breach " + fact.slo); }));
    subscriptions.push_back(
        world.bus.subscribe<SloRecovered>([this](const SloRecovered& fact) { events.push_back("recovered " + fact.slo); }));
    subscriptions.push_back(world.bus.subscribe<HealthChecked>([this](const HealthChecked&) { events.push_back("check"); }));
  }
  void make() {
    const auto value = [this](std::string_view name) -> std::optional<double> {
      const auto found = values.find(name);
      return found == values.end() ? std::nullopt : std::optional(found->second);
    };
    health = std::make_unique<HealthMonitor>(world.bus, metrics, value, options, world.now);
  }
  void reject(int times) {
    for (int i = 0; i < times; ++i) world.bus.publish(JoinRejected{PeerId("p"), RoomId("r"), "no"});
  }
  void check_after(Duration time) {
    world.now += time;
    health->handle_timeout(world.now);
  }
  json check(const std::string& name) {
    const json report = health->report(world.now, 1);
    for (const json& entry : report["checks"]) {
      if (entry["name"] == name) return entry;
    }
    return {};
  }
};
using Events = std::vector<std::string>;

TEST_F(HealthFixture, a_report_is_the_union_of_both_shapes) {
  const json report = health->report(world.now + 3s, world.unix_now());
  EXPECT_EQ(report["status"], "healthy");
  EXPECT_EQ(report["healthy"], true);
  EXPECT_EQ(report["service"], "webrtc-rooms");
  EXPECT_EQ(report["ts"], world.unix_now());
  EXPECT_EQ(report["uptimeMs"], 3000);
  EXPECT_EQ(report["breaches"], json::array());
  EXPECT_EQ(report["server"], (json{{"rooms", 0}, {"peers", 0}}));
  ASSERT_EQ(report["checks"].size(), 4U);
  EXPECT_EQ(
      report["checks"][0],
      (json{
          {"name", "join_success_rate"}, {"passing", true}, {"actual", 1.0}, {"target", 0.995}, {"severity", "critical"}}));
}

TEST_F(HealthFixture, the_four_objectives_have_the_contracts_targets) {
  const std::vector<std::tuple<std::string, double, std::string>> contract{{"join_success_rate", 0.995, "critical"},
                                                                           {"join_latency_p95_ms", 500, "warning"},
                                                                           {"reconnect_success_rate", 0.95, "warning"},
                                                                           {"heap_ratio", 0.85, "warning"}};
  for (const auto& [name, target, severity] : contract) {
    EXPECT_EQ(check(name)["target"], target) << name;
    EXPECT_EQ(check(name)["severity"], severity) << name;
  }
}

TEST_F(HealthFixture, join_success_rate_is_breached_once_and_recovers_once) {
  world.join("r");
  reject(1);
  check_after(15s);
  check_after(15s);
  EXPECT_EQ(events, (Events{"breach join_success_rate", "check", "check"}));
  const json report = health->report(world.now, 1);
  EXPECT_EQ(report["status"], "degraded");
  EXPECT_EQ(
      report["breaches"],
      json::array(
          {{{"slo", "join_success_rate"}, {"current", 0.5}, {"actual", 0.5}, {"target", 0.995}, {"severity", "critical"}}}));
  EXPECT_FALSE(health->is_healthy(world.now));
  events.clear();
  // After the window what was refused counts no longer.
  for (Duration passed{}; passed < 16min; passed += 15s) check_after(15s);
  EXPECT_EQ(std::count(events.begin(), events.end(), "recovered join_success_rate"), 1);
  EXPECT_EQ(std::count(events.begin(), events.end(), "breach join_success_rate"), 0);
  EXPECT_TRUE(health->is_healthy(world.now));
}

TEST_F(HealthFixture, the_window_slides) {
  world.join("r");
  reject(1);
  for (Duration passed{}; passed < 14min; passed += 15s) check_after(15s);
  EXPECT_EQ(check("join_success_rate")["actual"], 0.5);
  for (Duration passed{}; passed < 2min; passed += 15s) check_after(15s);
  EXPECT_EQ(check("join_success_rate")["actual"], 1.0);
}

TEST_F(HealthFixture, join_latency_is_the_mean_of_the_rooms_that_have_any) {
  world.join("a", {}, 600ms);
  world.join("b", {}, 800ms);
  world.join("c");  // 0 ms: does not count
  EXPECT_EQ(check("join_latency_p95_ms")["actual"], 700.0);
  check_after(15s);
  EXPECT_EQ(events, (Events{"breach join_latency_p95_ms", "check"}));
}

TEST_F(HealthFixture, reconnect_success_rate_counts_attempts) {
  const PeerId peer = world.join("r");
  world.rooms.suspend(peer, world.now + 10s);
  world.bus.publish(ResumeAttempted{true, RoomId("r")});
  world.rooms.resume(peer);
  EXPECT_EQ(check("reconnect_success_rate")["actual"], 1.0);
  world.bus.publish(ResumeAttempted{false, std::nullopt});
  EXPECT_EQ(check("reconnect_success_rate")["actual"], 0.5);
  EXPECT_EQ(check("reconnect_success_rate")["passing"], false);
}

TEST_F(HealthFixture, heap_ratio_is_a_ceiling) {
  values["heap_ratio"] = 0.85;
  EXPECT_EQ(check("heap_ratio")["passing"], true);
  values["heap_ratio"] = 0.851;
  EXPECT_EQ(check("heap_ratio")["passing"], false);
}

TEST_F(HealthFixture, custom_objectives_are_judged_and_unknown_values_pass) {
  options.slos = slos_with({{"loop_lag_ms", 20, Slo::Comparison::at_most, AlertSeverity::critical},
                            {"peers", 1, Slo::Comparison::at_least, AlertSeverity::info},
                            {"nobody_knows", 1, Slo::Comparison::at_least, AlertSeverity::info},
                            {"heap_ratio", 0.1, Slo::Comparison::at_most, AlertSeverity::critical}});
  make();
  values["loop_lag_ms"] = 21;
  EXPECT_EQ(check("loop_lag_ms")["passing"], false);
  EXPECT_EQ(check("peers")["passing"], false);
  EXPECT_EQ(check("nobody_knows")["passing"], true);
  EXPECT_TRUE(check("nobody_knows")["actual"].is_null());
  EXPECT_EQ(check("heap_ratio")["target"], 0.1);
  EXPECT_EQ(health->report(world.now, 1)["checks"].size(), 7U);
}

TEST_F(HealthFixture, checks_come_at_their_interval) {
  EXPECT_EQ(health->next_deadline(), world.now + 15s);
  health->handle_timeout(world.now + 14s);
  EXPECT_TRUE(events.empty());
  check_after(15s);
  EXPECT_EQ(events, (Events{"check"}));
}

}  // namespace
}  // namespace sluice
