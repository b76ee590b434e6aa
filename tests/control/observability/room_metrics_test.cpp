#include "control/observability/room_metrics.hpp"

#include <gtest/gtest.h>

#include "tests/control/observability/prometheus_parser.hpp"
#include "tests/support/room_world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct RoomMetricsFixture : ::testing::Test {
  test::RoomWorld world;
  RoomMetrics metrics{world.bus, world.rooms, world.clock()};

  [[nodiscard]] json snapshot() const { return metrics.snapshot(test::RoomWorld::unix_clock()); }
  [[nodiscard]] json room(const std::string& id) const {
    return metrics.room_snapshot(RoomId(id), test::RoomWorld::unix_clock());
  }
  [[nodiscard]] test::PrometheusParser text() const {
    PrometheusText out;
    metrics.write(out);
    return test::PrometheusParser(out.text());
  }
  void resume(const PeerId& peer, bool good) {
    world.bus.publish(ResumeAttempted{good, RoomId("r")});
    if (good) world.rooms.resume(peer);
  }
};

TEST_F(RoomMetricsFixture, snapshot_has_exactly_the_contracts_members) {
  world.join("r");
  metrics.handle_timeout(world.now, 7);
  const json shape =
      json::parse(R"({"timestamp":0,"uptimeMs":0,"system":{"ts":0,"heapUsed":0,"heapTotal":0,"rss":0,"external":0},
    "server":{"rooms":0,"peers":0,"connectionsTotal":0,"connectionsRejected":0,"joinsTotal":0,"leavesTotal":0,
    "reconnectsTotal":0,"reconnectSuccessRate":1,"dataMessages":0},
    "rooms":[{"roomId":"r","peersCurrent":0,"peersPeak":0,"joinsTotal":0,"leavesTotal":0,"reconnectAttempts":0,
    "reconnectSuccessRate":1,"joinLatency":{"p50":0,"p95":0,"p99":0,"min":0,"max":0,"avg":0},
    "dataMessages":0,"createdAt":0,"lastActivityAt":0}]})");
  const auto keys = [](const json& value) {
    std::vector<std::string> names;
    const json flat = value.flatten();
    for (const auto& [path, leaf] : flat.items()) names.push_back(path);
    return names;
  };
  EXPECT_EQ(keys(snapshot()), keys(shape));
}

TEST_F(RoomMetricsFixture, system_is_null_before_the_first_sample_and_sampled_at_its_interval) {
  EXPECT_TRUE(snapshot()["system"].is_null());
  metrics.handle_timeout(world.now, 41);
  EXPECT_EQ(snapshot()["system"]["ts"], 41);
  EXPECT_GT(snapshot()["system"]["rss"].get<std::uint64_t>(), 1'000'000U);
  metrics.handle_timeout(world.now + 4999ms, 42);
  EXPECT_EQ(snapshot()["system"]["ts"], 41);
  metrics.handle_timeout(world.now + 5000ms, 43);
  EXPECT_EQ(snapshot()["system"]["ts"], 43);
}

TEST_F(RoomMetricsFixture, counts_each_event_once) {
  const PeerId alice = world.join("r");
  const PeerId bob = world.join("r");
  world.rooms.relay_data(alice, bob, "1");
  world.rooms.relay_data(alice, std::nullopt, "2");
  world.bus.publish(ControlPayloadTaken{RoomId("r"), bob});
  (void)world.rooms.broadcast_data(RoomId("r"), "3");  // the operator's: no request
  world.rooms.suspend(alice, world.now + 15s);
  resume(alice, true);
  resume(alice, false);
  world.leave(bob);
  const json server = snapshot()["server"];
  EXPECT_EQ(server["connectionsTotal"], 2);
  EXPECT_EQ(server["joinsTotal"], 2);
  EXPECT_EQ(server["leavesTotal"], 1);
  EXPECT_EQ(server["dataMessages"], 3);
  EXPECT_EQ(server["reconnectsTotal"], 1);
  EXPECT_EQ(server["reconnectSuccessRate"], 0.5);
  EXPECT_EQ(server["rooms"], 1);
  EXPECT_EQ(server["peers"], 1);
  const json figures = room("r");
  EXPECT_EQ(figures["peersCurrent"], 1);
  EXPECT_EQ(figures["peersPeak"], 2);
  EXPECT_EQ(figures["joinsTotal"], 2);
  EXPECT_EQ(figures["leavesTotal"], 1);
  EXPECT_EQ(figures["reconnectAttempts"], 2);
  EXPECT_EQ(figures["reconnectSuccessRate"], 0.5);
  EXPECT_EQ(figures["dataMessages"], 3);
}

TEST_F(RoomMetricsFixture, rejections_are_joins_rejected) {
  test::RefusingStep refusing;
  world.rooms.add_admission_step(refusing);
  world.join("r");
  EXPECT_EQ(snapshot()["server"]["connectionsRejected"], 1);
  EXPECT_EQ(snapshot()["server"]["joinsTotal"], 0);
}

TEST_F(RoomMetricsFixture, join_latency_runs_from_connection_to_admission) {
  for (int i = 1; i <= 20; ++i) world.join("r", {}, i * 1ms);
  const json latency = room("r")["joinLatency"];
  // Element floor(n * p) of the sorted samples 1..20.
  EXPECT_EQ(latency["p50"], 11);
  EXPECT_EQ(latency["p95"], 20);
  EXPECT_EQ(latency["p99"], 20);
  EXPECT_EQ(latency["min"], 1);
  EXPECT_EQ(latency["max"], 20);
  EXPECT_EQ(latency["avg"], 10.5);
  EXPECT_EQ(text().value("webrtc_rooms_room_join_latency_p95_ms", {{"room", "r"}}), "20");
}

TEST(LatencySamples, KeepsTheNewest) {
  LatencySamples samples(3);
  for (int i = 1; i <= 5; ++i) samples.add(TimePoint(std::chrono::seconds(i)), i);
  EXPECT_EQ(samples.size(), 3U);
  EXPECT_EQ(samples.summary().min, 3);
  EXPECT_EQ(samples.percentile(0.5, TimePoint(std::chrono::seconds(5))), 5);
  EXPECT_EQ(samples.percentile(0.5, TimePoint(std::chrono::seconds(6))), 0);
}

TEST_F(RoomMetricsFixture, figures_vanish_five_minutes_after_the_room) {
  const PeerId peer = world.join("r");
  world.leave(peer);
  EXPECT_EQ(room("r")["peersCurrent"], 0);
  EXPECT_EQ(metrics.next_deadline(), world.now);  // the first sample of memory
  metrics.handle_timeout(world.now + 5min - 1ms, 0);
  EXPECT_FALSE(room("r").is_null());
  metrics.handle_timeout(world.now + 5min, 0);
  EXPECT_TRUE(room("r").is_null());
  EXPECT_TRUE(room("never").is_null());
}

TEST_F(RoomMetricsFixture, a_room_that_came_back_keeps_its_figures) {
  world.leave(world.join("r"));
  world.now += 1min;
  world.join("r");
  metrics.handle_timeout(world.now + 10min, 0);
  EXPECT_EQ(room("r")["joinsTotal"], 2);
}

TEST_F(RoomMetricsFixture, rooms_that_are_gone_do_not_fill_the_memory) {
  RoomMetricsOptions options;
  options.gone_rooms_max = 10;
  metrics.set_options(options);
  for (int i = 0; i < 100; ++i) world.leave(world.join("room" + std::to_string(i)));
  EXPECT_EQ(snapshot()["rooms"].size(), 10U);
  EXPECT_FALSE(room("room99").is_null());
}

TEST_F(RoomMetricsFixture, the_text_is_prometheus_whatever_rooms_are_called) {
  const std::string hostile = "a\"} 1\nwebrtc_rooms_active 999\n\\{x=\"\xF0\x9F\x98\x80\r";
  world.join(hostile, {}, 3ms);
  const test::PrometheusParser parsed = text();
  EXPECT_EQ(parsed.error, "");
  for (const char* family : {"webrtc_rooms_room_peers_current", "webrtc_rooms_room_peers_peak", "webrtc_room_peers"})
    EXPECT_EQ(parsed.value(family, {{"room", hostile}}), "1") << family;
  EXPECT_EQ(parsed.value("webrtc_rooms_room_join_latency_p95_ms", {{"room", hostile}}), "3");
  EXPECT_EQ(parsed.value("webrtc_rooms_active"), "1");
}

TEST_F(RoomMetricsFixture, the_text_has_every_family_of_the_contract_in_its_type) {
  const test::PrometheusParser parsed = text();
  ASSERT_EQ(parsed.error, "");
  const std::map<std::string, std::string> contract{{"webrtc_rooms_rooms_active", "gauge"},
                                                    {"webrtc_rooms_peers_active", "gauge"},
                                                    {"webrtc_rooms_uptime_seconds", "gauge"},
                                                    {"webrtc_rooms_connections_total", "counter"},
                                                    {"webrtc_rooms_connections_rejected_total", "counter"},
                                                    {"webrtc_rooms_joins_total", "counter"},
                                                    {"webrtc_rooms_leaves_total", "counter"},
                                                    {"webrtc_rooms_reconnects_total", "counter"},
                                                    {"webrtc_rooms_data_messages_total", "counter"},
                                                    {"webrtc_rooms_reconnect_success_rate", "gauge"},
                                                    {"webrtc_rooms_heap_used_bytes", "gauge"},
                                                    {"webrtc_rooms_heap_total_bytes", "gauge"},
                                                    {"webrtc_rooms_rss_bytes", "gauge"},
                                                    {"webrtc_rooms_room_peers_current", "gauge"},
                                                    {"webrtc_rooms_room_peers_peak", "gauge"},
                                                    {"webrtc_rooms_room_join_latency_p95_ms", "gauge"},
                                                    {"webrtc_rooms_active", "gauge"},
                                                    {"webrtc_peers_total", "gauge"},
                                                    {"webrtc_room_peers", "gauge"}};
  for (const auto& [family, type] : contract) {
    ASSERT_TRUE(parsed.families.contains(family)) << family;
    EXPECT_EQ(parsed.families.at(family).type, type) << family;
  }
}

TEST_F(RoomMetricsFixture, without_the_module_only_the_admin_apis_families_are_left) {
  RoomMetricsOptions options;
  options.attached = false;
  metrics.set_options(options);
  EXPECT_EQ(text().families.size(), 3U);
  EXPECT_EQ(metrics.next_deadline(), never);
}

TEST_F(RoomMetricsFixture, peers_are_counted_by_dialect) {
  world.join("r");
  world.connect("whip");
  EXPECT_EQ(text().value("sluice_dialect_peers", {{"dialect", "native"}}), "1");
  EXPECT_EQ(text().value("sluice_dialect_connections_total", {{"dialect", "whip"}}), "1");
  EXPECT_EQ(text().value("sluice_dialect_joins_total", {{"dialect", "native"}}), "1");
}

TEST(PrometheusParser, RefusesWhatIsNotTheFormat) {
  const std::string head = "# HELP a_total x\n# TYPE a_total counter\n";
  EXPECT_EQ(test::PrometheusParser(head + "a_total{x=\"y\"} 1\n").error, "");
  for (const char* bad :
       {"a_total{x=\"y\"} 1\na_total{x=\"y\"} 2\n", "b 1\n", "a_total{x=\"y} 1\n", "a_total{x=\"\\q\"} 1\n", "a_total one\n",
        "a_total 1 # x\n", "# HELP a_total again\n", "\n", "a_total 1"})
    EXPECT_NE(test::PrometheusParser(head + bad).error, "") << bad;
}

}  // namespace
}  // namespace sluice
