#include "control/cli/top_screen.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

const std::string page = R"(# HELP webrtc_rooms_rooms_active x
# TYPE webrtc_rooms_rooms_active gauge
webrtc_rooms_rooms_active 3
webrtc_rooms_peers_active 1234
webrtc_rooms_uptime_seconds 93784
sluice_websockets_open 1200
webrtc_rooms_joins_total 100
webrtc_rooms_connections_rejected_total 5
webrtc_rooms_join_latency_ms{quantile="0.95"} 34
webrtc_rooms_rss_bytes 327155712
sluice_control_memory_limit_bytes 16777216000
sluice_control_loop_lag_seconds 0.0012
sluice_websocket_messages_received_total 5000
sluice_websocket_messages_sent_total 70000
sluice_bitrate_in_bps{worker="0"} 12400000
sluice_bitrate_out_bps{worker="0"} 981000000
sluice_forwarded_packets_total{worker="0"} 1000
sluice_publications{worker="0"} 120
sluice_subscriptions{worker="0"} 480
sluice_forwarding_latency_seconds{worker="0",quantile="0.5"} 0.000042
sluice_forwarding_latency_seconds{worker="0",quantile="0.99"} 0.031
sluice_drops_total{worker="0",reason="codec"} 4
sluice_drops_total{worker="0",reason="relay"} 6
sluice_worker_heartbeat_age_seconds{worker="0"} 0.003
webrtc_rooms_room_peers_current{room="standup"} 12
webrtc_rooms_room_peers_current{room="all\"hands\nESC[2J"} 40
webrtc_rooms_room_peers_current{room="日本語の部屋"} 2
webrtc_rooms_room_peers_peak{room="standup"} 14
webrtc_rooms_room_join_latency_p95_ms{room="standup"} 1033
)";

TopScreen::Reading reading(std::string text, std::chrono::seconds at) {
  text.replace(text.find("ESC"), 3, "\x1b");
  return {MetricsText(text), std::chrono::steady_clock::time_point(at)};
}
TopScreen::Reading first() {
  return reading(page, 10s);
}
TopScreen::Reading second() {
  std::string text = page;
  const auto set = [&](const std::string& from, const std::string& to) { text.replace(text.find(from), from.size(), to); };
  set("joins_total 100", "joins_total 125");
  set("forwarded_packets_total{worker=\"0\"} 1000", "forwarded_packets_total{worker=\"0\"} 25690");
  set("reason=\"relay\"} 6", "reason=\"relay\"} 46");
  return reading(text, 12s);
}
TopScreen::View view() {
  TopScreen::View result;
  result.server = "127.0.0.1:4000";
  result.clock = "14:03:22";
  return result;
}
std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}
std::string plain(TopScreen::Size size = {}) {
  return joined(TopScreen::draw(second(), first(), view(), size, TopScreen::Colour::off));
}

TEST(TopScreen, FitsWhateverTheTerminalIs) {
  for (std::size_t columns : {1U, 20U, 80U, 81U, 200U}) {
    for (std::size_t rows : {1U, 2U, 5U, 24U, 60U}) {
      const auto lines = TopScreen::draw(second(), first(), view(), {columns, rows}, TopScreen::Colour::off);
      EXPECT_LE(lines.size(), rows);
      for (const std::string& line : lines) EXPECT_LE(columns_of(line), columns) << columns << "x" << rows << ": " << line;
    }
  }
  EXPECT_EQ(TopScreen::draw(second(), first(), view(), {80, 24}, TopScreen::Colour::off).size(), 24U);
}

TEST(TopScreen, ShowsTheServerItsWorkersAndItsRooms) {
  const std::string text = plain();
  for (const char* part : {"127.0.0.1:4000", "up 1 d 2 h",  "14:03:22",
                           "rooms 3",        "peers 1,234", "sockets 1,200",
                           "joins 12.5/s",   "34 ms",       "312 MiB / 15.6 GiB",
                           "lag 1.2 ms",     "12.4 Mb/s",   "981 Mb/s",
                           "12.3 k",         "120/480",     "42 µs",
                           "31 ms",          "20 ",         "3 ms",
                           "standup",        "1.03 s",      "日本語の部屋"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is missing in\n" << text;
}

TEST(TopScreen, NoRoomsNameMovesTheCursor) {
  for (const auto colour : {TopScreen::Colour::off, TopScreen::Colour::on}) {
    const std::string text = joined(TopScreen::draw(second(), first(), view(), {}, colour));
    EXPECT_EQ(text.find("\x1b[2J"), std::string::npos);
    EXPECT_NE(text.find("all\"hands??[2J"), std::string::npos) << text;
  }
  EXPECT_EQ(plain().find('\x1b'), std::string::npos);
}

TEST(TopScreen, ClaimsNoLatencyThatNobodyMeasured) {
  const std::string text = plain();
  EXPECT_EQ(text.find(" 0 µs"), std::string::npos) << text;
  EXPECT_NE(text.find("2       0             -"), std::string::npos) << "the room without joins in\n" << text;
}

TEST(TopScreen, SortsRooms) {
  const auto order = [](TopScreen::Sort sort) {
    TopScreen::View how = view();
    how.sort = sort;
    const std::string text = joined(TopScreen::draw(second(), first(), how, {}, TopScreen::Colour::off));
    return text.find("standup") < text.find("all\"hands");
  };
  EXPECT_FALSE(order(TopScreen::Sort::peers));
  EXPECT_TRUE(order(TopScreen::Sort::latency));
  EXPECT_FALSE(order(TopScreen::Sort::name));
}

TEST(TopScreen, SaysWhyThereIsNothingNew) {
  TopScreen::View how = view();
  how.problem = "No server answers at 127.0.0.1:4000";
  const auto lines = TopScreen::draw({}, std::nullopt, how, {}, TopScreen::Colour::off);
  EXPECT_NE(lines.front().find("No server answers"), std::string::npos);
  EXPECT_LE(lines.size(), 24U);
}

TEST(TopScreen, ManyWorkersLeaveSpaceForRooms) {
  std::string text = page;
  for (int i = 1; i < 64; ++i) text += "sluice_worker_heartbeat_age_seconds{worker=\"" + std::to_string(i) + "\"} 0\n";
  const std::string shown = joined(TopScreen::draw(reading(text, 1s), std::nullopt, view(), {}, TopScreen::Colour::off));
  EXPECT_NE(shown.find(" more"), std::string::npos);
  EXPECT_NE(shown.find("standup"), std::string::npos);
}

TEST(TopScreen, NumbersAreForPeople) {
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(-1000), "-1,000");
  EXPECT_EQ(scaled(0, "b/s"), "0 b/s");
  EXPECT_EQ(scaled(999.6, ""), "1 k");
  EXPECT_EQ(scaled(7, ""), "7");
  EXPECT_EQ(scaled(12345, "b/s"), "12.3 kb/s");
  EXPECT_EQ(binary_scaled(1536), "1.5 KiB");
  EXPECT_EQ(duration_text(0), "0 µs");
  EXPECT_EQ(duration_text(0.0123), "12.3 ms");
  EXPECT_EQ(duration_text(61), "61 s");
  EXPECT_EQ(duration_text(-1), "-");
}

TEST(TerminalSafe, CutsAtCharactersAndKnowsWideOnes) {
  EXPECT_EQ(terminal_safe("abc", 3), "abc");
  EXPECT_EQ(terminal_safe("abcd", 3), "ab…");
  EXPECT_EQ(terminal_safe("日本", 4), "日本");
  EXPECT_EQ(terminal_safe("日本", 3), "日…");
  EXPECT_EQ(terminal_safe("a\xff\x80"
                          "b",
                          9),
            "a??b");
  EXPECT_EQ(terminal_safe("a\u202Eb", 9), "a?b");
  EXPECT_EQ(terminal_safe("x", 0), "");
}

TEST(MetricsText, SkipsWhatItCannotRead) {
  const MetricsText text("a{x=\"1\n\nb{\nc{x=\"y\"\nd nothing\ne{x=\"a\\\\b\\\"\\n\"} 4\nf 5 1234\n");
  EXPECT_EQ(text.samples("e").size(), 1U);
  EXPECT_EQ(text.samples("e")[0].label("x"), "a\\b\"\n");
  EXPECT_EQ(text.sum("f"), 5);
  EXPECT_EQ(text.value("nothing", "x", "y", 7), 7);
}

}  // namespace
}  // namespace sluice::cli
