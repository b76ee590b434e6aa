#include "control/observability/alert_manager.hpp"

#include <gtest/gtest.h>

#include "control/observability/log.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct AlertFixture : ::testing::Test {
  struct Posted {
    std::string url;
    json body;
    std::function<void(std::optional<std::string>)> done;
  };
  Bus bus;
  TimePoint now{};
  AlertManagerOptions options;
  std::vector<Posted> posts;
  std::vector<std::pair<std::string, json>> events;
  std::unique_ptr<AlertManager> alerts;

  void make() {
    AlertManager::Outside outside;
    outside.post = [this](const std::string& url, const std::string& body, auto done) {
      posts.push_back({url, json::parse(body), done});
    };
    outside.emit = [this](std::string_view event, const json& data) { events.emplace_back(event, data); };
    outside.now = [this] { return now; };
    outside.unix_ms = [](TimePoint) { return std::int64_t{1714000000000}; };
    alerts = std::make_unique<AlertManager>(bus, outside, options);
  }
  void SetUp() override { make(); }
  std::size_t count(const std::string& event) const {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const auto& entry) { return entry.first == event; }));
  }
};

TEST_F(AlertFixture, an_alert_has_exactly_the_contracts_members) {
  const auto alert = alerts->raise({"x", AlertSeverity::warning, "words", {{"a", 1}}});
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert_json(*alert), (json{{"id", "alert-1"},
                                      {"event", "x"},
                                      {"severity", "warning"},
                                      {"message", "words"},
                                      {"context", {{"a", 1}}},
                                      {"ts", 1714000000000},
                                      {"recovered", false}}));
  EXPECT_EQ(events, (std::vector<std::pair<std::string, json>>{{"alert", alert_json(*alert)}}));
  EXPECT_EQ(alerts->raise({"y", AlertSeverity::info, ""})->id, "alert-2");
}

TEST_F(AlertFixture, a_repeat_within_the_window_is_suppressed) {
  EXPECT_TRUE(alerts->raise({"x", AlertSeverity::info, "", {{"a", 1}}}));
  now += 299s;
  EXPECT_FALSE(alerts->raise({"x", AlertSeverity::info, "", {{"a", 1}}}));
  EXPECT_TRUE(alerts->raise({"x", AlertSeverity::info, "", {{"a", 2}}}));
  EXPECT_TRUE(alerts->raise({"y", AlertSeverity::info, "", {{"a", 1}}}));
  now += 1s;
  EXPECT_TRUE(alerts->raise({"x", AlertSeverity::info, "", {{"a", 1}}}));
  EXPECT_EQ(count("alert:suppressed"), 1U);
  alerts->clear_suppression();
  EXPECT_TRUE(alerts->raise({"x", AlertSeverity::info, "", {{"a", 1}}}));
}

TEST_F(AlertFixture, the_key_is_the_first_64_characters_of_the_context) {
  const std::string same(100, 'a');
  EXPECT_TRUE(alerts->raise({"x", AlertSeverity::info, "", {{"a", same + "1"}}}));
  EXPECT_FALSE(alerts->raise({"x", AlertSeverity::info, "", {{"a", same + "2"}}}));
}

TEST_F(AlertFixture, recovery_is_never_suppressed) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(alerts->raise({"x", AlertSeverity::info, "", {}, std::nullopt, true}));
}

TEST_F(AlertFixture, values_that_fluctuate_are_not_part_of_the_key) {
  bus.publish(SloBreached{"heap_ratio", 0.91, 0.85, AlertSeverity::warning});
  bus.publish(SloBreached{"heap_ratio", 0.92, 0.85, AlertSeverity::warning});
  bus.publish(SloBreached{"join_success_rate", 0.92, 0.995, AlertSeverity::critical});
  bus.publish(AlertRaised{"load:critical", AlertSeverity::critical, "", {{"heapRatio", 0.1}}, ""});
  bus.publish(AlertRaised{"load:critical", AlertSeverity::critical, "", {{"heapRatio", 0.2}}, ""});
  EXPECT_EQ(alerts->recent().size(), 3U);
}

TEST_F(AlertFixture, objectives_become_alerts_of_their_severity) {
  bus.publish(SloBreached{"join_success_rate", 0.5, 0.995, AlertSeverity::critical});
  bus.publish(SloRecovered{"join_success_rate", 1.0, 0.995});
  const auto recent = alerts->recent();
  ASSERT_EQ(recent.size(), 2U);
  EXPECT_EQ(recent[0].event, "slo:breach");
  EXPECT_EQ(recent[0].severity, AlertSeverity::critical);
  EXPECT_EQ(recent[0].context["slo"], "join_success_rate");
  EXPECT_EQ(recent[1].event, "slo:recovery");
  EXPECT_EQ(recent[1].severity, AlertSeverity::info);
  EXPECT_TRUE(recent[1].recovered);
}

TEST_F(AlertFixture, quarantined_media_is_critical) {
  bus.publish(MediaQuarantined{PeerId("p"), RoomId("r")});
  ASSERT_EQ(alerts->recent().size(), 1U);
  EXPECT_EQ(alerts->recent()[0].event, "media:quarantined");
  EXPECT_EQ(alerts->recent()[0].severity, AlertSeverity::critical);
}

TEST_F(AlertFixture, channels_let_through_what_they_name) {
  options.channels = {{AlertChannel::Kind::webhook, "http://a/", {"x"}},
                      {AlertChannel::Kind::custom, "http://b/", {}},
                      {AlertChannel::Kind::custom, "", {}}};
  make();
  alerts->raise({"x", AlertSeverity::info, ""});
  alerts->raise({"y", AlertSeverity::info, ""});
  ASSERT_EQ(posts.size(), 3U);
  EXPECT_EQ(posts[0].url + posts[1].url + posts[2].url, "http://a/http://b/http://b/");
  EXPECT_EQ(posts[2].body["event"], "y");
}

TEST_F(AlertFixture, a_failed_delivery_is_told_and_not_repeated) {
  options.channels = {{AlertChannel::Kind::webhook, "http://a/", {}}};
  make();
  const auto alert = alerts->raise({"x", AlertSeverity::info, ""});
  posts[0].done("status 500");
  EXPECT_EQ(events.back(),
            (std::pair<std::string, json>{
                "delivery:failed", {{"channel", "webhook"}, {"alert", alert_json(*alert)}, {"error", "status 500"}}}));
  EXPECT_EQ(posts.size(), 1U);
  EXPECT_EQ(alerts->stats().deliveries_failed, 1U);
}

TEST_F(AlertFixture, a_channel_that_never_answers_holds_a_bounded_number) {
  options.channels = {{AlertChannel::Kind::webhook, "http://a/", {}}};
  make();
  for (int i = 0; i < 150; ++i) alerts->raise({"x", AlertSeverity::info, "", {{"i", i}}});
  EXPECT_EQ(posts.size(), 100U);
  EXPECT_EQ(count("delivery:failed"), 50U);
  posts[0].done(std::nullopt);
  alerts->raise({"y", AlertSeverity::info, ""});
  EXPECT_EQ(posts.size(), 101U);
}

TEST_F(AlertFixture, the_console_gets_one_line) {
  options.channels = {{AlertChannel::Kind::console, "", {}}};
  make();
  log::open("test", LogFormat::line, log::Level::info);
  ::testing::internal::CaptureStderr();
  alerts->raise({"x", AlertSeverity::critical, "two\nlines", {{"ip", "1\n2"}}});
  const std::string line = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_NE(line.find("level=error"), std::string::npos) << line;
  EXPECT_NE(line.find(" event=x "), std::string::npos) << line;
}

TEST_F(AlertFixture, recent_is_bounded_and_newest_last) {
  for (int i = 0; i < 150; ++i) alerts->raise({"x", AlertSeverity::info, "", {{"i", i}}});
  EXPECT_EQ(alerts->recent(1000).size(), 100U);
  EXPECT_EQ(alerts->recent(2)[1].id, "alert-150");
  EXPECT_EQ(alerts->recent().size(), 50U);
}

TEST_F(AlertFixture, clients_that_vary_their_address_do_not_fill_the_memory) {
  for (int i = 0; i < 10000; ++i) alerts->raise({"x", AlertSeverity::info, "", {}, std::to_string(i)});
  // What is remembered is bounded: the later ones are not suppressed.
  EXPECT_FALSE(alerts->raise({"x", AlertSeverity::info, "", {}, "0"}));
  EXPECT_TRUE(alerts->raise({"x", AlertSeverity::info, "", {}, "9999"}));
}

}  // namespace
}  // namespace sluice
