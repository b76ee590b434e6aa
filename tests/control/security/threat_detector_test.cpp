// The eight models of contract section 23, each at its threshold.
#include "control/security/threat_detector.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/security/security_guard.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

struct Threats : ::testing::Test {
  static std::int64_t unix_ms(TimePoint at) { return at.time_since_epoch() / 1ms; }

  PeerId connect(const std::string& ip = "192.0.2.1", const std::string& dialect = "native") {
    return rooms.connect(dialect, ip);
  }
  PeerId join(const std::string& room, const std::string& ip = "192.0.2.1") {
    const PeerId peer = connect(ip);
    rooms.join(peer, RoomId(room), {}, now, [](const JoinOutcome& outcome, TimePoint) { EXPECT_TRUE(outcome); });
    return peer;
  }
  GuardVerdict say(const PeerId& peer, ClientRequest request = ClientRequest::other, std::size_t bytes = 0,
                   bool to_server = false, bool to_all = false) {
    return detector.check(peer, {request, bytes, to_server, to_all}, now);
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const ThreatDetected& threat : threats)
      result.push_back(std::string(to_string(threat.level)) + " " + threat.threat);
    return result;
  }
  /// Why a peer was put out; empty: it was not.
  [[nodiscard]] std::string kick_reason(const PeerId& peer) const {
    for (const PeerKicked& kick : kicks) {
      if (kick.peer == peer) return kick.reason;
    }
    return {};
  }
  static RoomsOptions rooms_options() {
    RoomsOptions options;
    options.max_peers_per_room = 200;
    return options;
  }

  Bus bus;
  test::SeededEntropy entropy;
  Rooms rooms{bus, entropy, rooms_options(), unix_ms};
  testing_support::MemoryStore store;
  TimePoint now = TimePoint{} + 1000s;
  BanList bans{store, "bans", unix_ms, now};
  ThreatDetector detector{rooms, bus, bans, {}, [this] { return now; }};
  std::vector<ThreatDetected> threats;
  std::vector<PeerKicked> kicks;
  std::vector<AddressBanned> banned;
  Bus::Subscription on_threat =
      bus.subscribe<ThreatDetected>([this](const ThreatDetected& fact) { threats.push_back(fact); });
  Bus::Subscription on_kick = bus.subscribe<PeerKicked>([this](const PeerKicked& fact) { kicks.push_back(fact); });
  Bus::Subscription on_ban = bus.subscribe<AddressBanned>([this](const AddressBanned& fact) { banned.push_back(fact); });
};

TEST_F(Threats, model_1_connection_flood_bans_and_bans_are_enforced) {
  for (int i = 0; i < 30; ++i) EXPECT_EQ(detector.refuse_connection("192.0.2.1", now), std::nullopt);
  const PeerId there = connect();
  EXPECT_EQ(detector.refuse_connection("192.0.2.1", now), "Too many connections");
  EXPECT_EQ(names(), std::vector<std::string>{"ban connection_flood"});
  ASSERT_EQ(banned.size(), 1U);
  EXPECT_EQ(banned[0].until, unix_ms(now) + 300'000);
  EXPECT_EQ(kick_reason(there), "Banned") << "who is connected from there goes, too";
  EXPECT_EQ(detector.refuse_connection("192.0.2.1", now), "Banned");
  EXPECT_EQ(names().back(), "ban connection_flood_banned");
  EXPECT_EQ(detector.refuse_connection("192.0.2.2", now), std::nullopt);
  now += 300s;
  EXPECT_EQ(detector.refuse_connection("192.0.2.1", now), std::nullopt);
}

TEST_F(Threats, model_1_leaves_the_whitelist_alone) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(detector.refuse_connection("127.0.0.1", now), std::nullopt);
  ThreatDetectorOptions options;
  options.whitelist = {"198.51.100.1"};
  detector.set_options(options);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(detector.refuse_connection("198.51.100.1", now), std::nullopt);
  EXPECT_EQ(detector.whitelist(), (std::set<std::string>{"127.0.0.1", "198.51.100.1", "::1"}));
}

TEST_F(Threats, model_2_signal_flood_kicks_and_the_third_time_bans_the_address) {
  for (int offence = 1; offence <= 3; ++offence) {
    const PeerId peer = connect();
    for (int i = 0; i < 50; ++i) EXPECT_EQ(say(peer), GuardVerdict::pass);
    EXPECT_EQ(say(peer), GuardVerdict::ended);
    EXPECT_EQ(kick_reason(peer), offence < 3 ? "Signal rate limit exceeded" : "Signal flood detected") << offence;
    EXPECT_EQ(rooms.find_peer(peer), nullptr);
    EXPECT_EQ(say(peer), GuardVerdict::pass) << "nobody is there any more to be counted";
  }
  EXPECT_EQ(names(), (std::vector<std::string>{"kick signal_flood", "kick signal_flood", "ban signal_flood"}));
  EXPECT_TRUE(detector.is_banned("192.0.2.1", now));
}

TEST_F(Threats, model_2_counts_minutes_as_well) {
  const PeerId peer = connect();
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(say(peer), GuardVerdict::pass) << i;
    now += 100ms;
  }
  EXPECT_EQ(say(peer), GuardVerdict::ended);
}

TEST_F(Threats, model_2_does_not_ban_the_whitelist) {
  for (int offence = 0; offence < 5; ++offence) {
    const PeerId peer = connect("127.0.0.1");
    for (int i = 0; i < 51; ++i) (void)say(peer);
    EXPECT_EQ(kick_reason(peer), "Signal rate limit exceeded");
  }
  EXPECT_TRUE(banned.empty());
}

TEST_F(Threats, model_3_room_cycling_bans_after_twenty_joins_and_leaves) {
  for (int i = 0; i < 10; ++i) rooms.leave(join("r"), LeaveCause::dropped);
  EXPECT_TRUE(threats.empty());
  const PeerId last = join("r");
  EXPECT_EQ(names(), std::vector<std::string>{"ban room_cycling"});
  ASSERT_EQ(banned.size(), 1U);
  EXPECT_EQ(banned[0].until, unix_ms(now) + 600'000);
  EXPECT_LE(detector.next_deadline(), now) << "the rest is due at once";
  detector.handle_timeout(now);
  EXPECT_EQ(kick_reason(last), "Banned");
  EXPECT_EQ(detector.refuse_connection("192.0.2.1", now), "Banned");
}

TEST_F(Threats, model_4_sdp_flood_kicks_but_sdp_to_the_media_side_is_not_counted) {
  const PeerId peer = join("r");
  for (int i = 0; i < 30; ++i) EXPECT_EQ(say(peer, ClientRequest::sdp, 0, true), GuardVerdict::pass);
  now += 2s;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(say(peer, ClientRequest::sdp), GuardVerdict::pass);
  EXPECT_EQ(say(peer, ClientRequest::sdp), GuardVerdict::ended);
  EXPECT_EQ(kick_reason(peer), "SDP rate limit exceeded");
  EXPECT_EQ(names(), std::vector<std::string>{"kick sdp_flood"});
}

TEST_F(Threats, model_5_oversized_payloads_kick_and_floods_of_data_are_throttled) {
  const PeerId peer = join("r");
  EXPECT_EQ(say(peer, ClientRequest::data, 65536), GuardVerdict::pass);
  for (int i = 0; i < 29; ++i) EXPECT_EQ(say(peer, ClientRequest::data, 10), GuardVerdict::pass);
  EXPECT_EQ(say(peer, ClientRequest::data, 10), GuardVerdict::drop);
  EXPECT_EQ(say(peer, ClientRequest::data, 10), GuardVerdict::drop);
  EXPECT_EQ(names(), std::vector<std::string>{"throttle data_flood"}) << "told once a second";
  EXPECT_EQ(kick_reason(peer), "");
  now += 1s + 1ms;
  EXPECT_EQ(say(peer, ClientRequest::data, 65537), GuardVerdict::ended);
  EXPECT_EQ(kick_reason(peer), "Payload too large");
  EXPECT_EQ(names().back(), "kick oversized_payload");
}

TEST_F(Threats, model_6_metadata_poisoning_kicks) {
  const PeerId peer = join("r");
  EXPECT_EQ(say(peer, ClientRequest::metadata, 4096), GuardVerdict::pass);
  EXPECT_EQ(say(peer, ClientRequest::metadata, 4097), GuardVerdict::ended);
  EXPECT_EQ(kick_reason(peer), "Metadata patch too large");
}

TEST_F(Threats, model_7_idle_peers_are_closed_when_looked_at) {
  const PeerId idle = join("r");
  const PeerId talking = join("r", "192.0.2.2");
  const PeerId held = join("r", "192.0.2.3");
  const PeerId whip = connect("192.0.2.4", "whip");
  rooms.suspend(held, now + 1h);
  for (int i = 0; i < 12; ++i) {
    now += 10s;
    (void)say(talking);
    detector.handle_timeout(now);
  }
  ASSERT_EQ(kicks.size(), 1U);
  EXPECT_EQ(kicks[0].peer, idle);
  EXPECT_EQ(kicks[0].cause, LeaveCause::idle);
  EXPECT_EQ(kicks[0].reason, "Idle timeout");
  EXPECT_NE(rooms.find_peer(whip), nullptr) << "it has no messages to send";
}

TEST_F(Threats, model_7_takes_media_for_activity_if_told_to) {
  ThreatDetectorOptions options;
  options.media_is_activity = true;
  detector.set_options(options);
  const PeerId watching = join("r");
  bus.publish(MediaConnected{watching, RoomId("r")});
  now += 200s;
  detector.handle_timeout(now);
  EXPECT_TRUE(kicks.empty());
  bus.publish(MediaClosed{watching, "gone"});
  now += 30s;
  detector.handle_timeout(now);
  EXPECT_EQ(kicks.size(), 1U);
}

TEST_F(Threats, model_8_amplification_warns_when_wide_broadcasts_go_on) {
  const PeerId speaker = join("r");
  for (int i = 0; i < 50; ++i) (void)join("r", "10.0.0." + std::to_string(i));
  const auto broadcast = [&](int times) {
    for (int i = 0; i < times; ++i) EXPECT_EQ(say(speaker, ClientRequest::data, 5, false, true), GuardVerdict::pass);
  };
  broadcast(15);
  EXPECT_TRUE(threats.empty()) << "fifty receivers are allowed";
  (void)join("r", "10.0.1.1");
  now += 2s;
  broadcast(10);
  EXPECT_TRUE(threats.empty()) << "ten times are not sustained";
  broadcast(5);
  EXPECT_EQ(names(), std::vector<std::string>{"warn amplification"});
  EXPECT_TRUE(kicks.empty());
}

TEST_F(Threats, bans_by_hand_put_out_and_survive_and_can_be_lifted) {
  const PeerId peer = join("r");
  detector.ban("192.0.2.1", 60s, now);
  EXPECT_EQ(kick_reason(peer), "Banned");
  const BanList successor(store, "bans", unix_ms, now);
  EXPECT_TRUE(successor.contains("192.0.2.1", now));
  EXPECT_TRUE(detector.unban("192.0.2.1"));
  EXPECT_FALSE(detector.unban("192.0.2.1"));
  EXPECT_EQ(detector.refuse_connection("192.0.2.1", now), std::nullopt);
  detector.ban("127.0.0.1", 60s, now);
  EXPECT_EQ(detector.refuse_connection("127.0.0.1", now), "Banned") << "the whitelist exempts from automatic bans only";
}

TEST_F(Threats, mapped_addresses_are_the_addresses_that_they_stand_for) {
  const PeerId peer = connect("::ffff:192.0.2.1");
  detector.ban("192.0.2.1", 60s, now);
  EXPECT_EQ(kick_reason(peer), "Banned");
  SecurityGuard guard(&detector, nullptr);
  EXPECT_EQ(guard.refuse_connection("::ffff:192.0.2.1", now), "Banned");
}

TEST_F(Threats, the_guard_lets_both_see_every_message) {
  RateLimiterOptions options;
  options.messages_per_second = 5;
  BanList rate_bans(store, "rate", unix_ms, now);
  RateLimiter limiter(bus, rate_bans, options);
  SecurityGuard guard(&detector, &limiter);
  const PeerId peer = connect();
  const GuardedMessage message;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(guard.check(peer, message, now), GuardVerdict::pass);
  EXPECT_EQ(guard.check(peer, message, now), GuardVerdict::drop_and_tell);
  for (int i = 6; i < 50; ++i) EXPECT_EQ(guard.check(peer, message, now), GuardVerdict::drop);
  EXPECT_EQ(guard.check(peer, message, now), GuardVerdict::ended) << "what was dropped is still a flood";
}

TEST_F(Threats, nothing_is_kept_of_those_who_are_gone) {
  const PeerId peer = join("r");
  EXPECT_EQ(detector.tracked_peers(), 1U);
  (void)rooms.kick(peer);
  EXPECT_EQ(detector.tracked_peers(), 0U);
}

}  // namespace
}  // namespace sluice
