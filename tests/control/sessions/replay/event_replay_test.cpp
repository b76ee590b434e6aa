#include "control/sessions/replay/event_replay.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/memory_store.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

struct Replay : ::testing::Test {
  std::unique_ptr<EventReplay> make(EventReplayOptions options = {}) {
    return std::make_unique<EventReplay>(rooms, bus, store, std::move(options), [this] { return unix_ms; });
  }
  std::vector<Json> envelope(EventReplay& replay, const std::string& peer, std::int64_t last_seen) {
    std::vector<Json> result;
    for (const std::string& text : replay.envelope(room, PeerId(peer), last_seen)) result.push_back(Json::parse(text));
    return result;
  }
  static std::string joined(const std::string& peer) {
    return R"({"type":"peer:joined","peer":{"id":")" + peer + R"(","roomId":"r","state":"joined","metadata":{}}})";
  }

  std::int64_t unix_ms = 1'714'000'000'000;
  Bus bus;
  test::SeededEntropy entropy;
  Rooms rooms{bus, entropy, {}, [](TimePoint) { return std::int64_t{0}; }};
  testing_support::MemoryStore store;
  RoomId room{"r"};
};

TEST_F(Replay, recorded_broadcasts_get_a_number_and_keep_their_text) {
  const auto replay = make();
  EXPECT_EQ(replay->record(room, joined("a")),
            R"({"type":"peer:joined","__seq":1,"peer":{"id":"a","roomId":"r","state":"joined","metadata":{}}})");
  EXPECT_EQ(replay->record(room, R"({"type":"room:updated","patch":{"n":1.50,"x":null}})"),
            R"({"type":"room:updated","__seq":2,"patch":{"n":1.50,"x":null}})");
  EXPECT_EQ(replay->record(room, R"({"type":"peer:left"})"), R"({"type":"peer:left","__seq":3})");
  EXPECT_EQ(replay->record(room, R"({"type":"data","from":"a","payload":1})"), std::nullopt);
  EXPECT_EQ(replay->record(room, R"({"payload":1})"), std::nullopt);
  EXPECT_EQ(replay->record(room, ""), std::nullopt);
  EXPECT_EQ(replay->last_seq(room), 3);
  EXPECT_EQ(replay->last_seq(RoomId("another")), 0);
  EXPECT_TRUE(replay->numbered(R"({"type":"peer:left","__seq":3})"));
  EXPECT_FALSE(replay->numbered(R"({"type":"peer:left","peerId":"__seq"})"));
  EXPECT_FALSE(replay->numbered("null"));
}

TEST_F(Replay, an_event_has_the_contracts_form) {
  const auto replay = make();
  std::vector<RecordedEvent> seen;
  const auto subscription = bus.subscribe<EventRecorded>([&](const EventRecorded& fact) { seen.push_back(fact.event); });
  (void)replay->record(room, joined("a"));
  ASSERT_EQ(seen.size(), 1U);
  const Json event = Json::parse(seen[0].to_json());
  EXPECT_EQ(event["seq"], 1);
  EXPECT_EQ(event["hash"].get<std::string>().size(), 16U);
  EXPECT_EQ(event["type"], "peer:joined");
  EXPECT_EQ(event["roomId"], "r");
  EXPECT_EQ(event["peerId"], "a");
  EXPECT_EQ(event["payload"]["peer"]["id"], "a");
  EXPECT_EQ(event["ts"], unix_ms);
}

TEST_F(Replay, the_same_event_of_the_same_millisecond_is_recorded_once_but_another_one_is_not_mistaken_for_it) {
  const auto replay = make();
  const std::string patch = R"({"type":"peer:updated","peerId":"a","patch":{"x":1}})";
  EXPECT_NE(replay->record(room, patch), std::nullopt);
  const auto again = replay->record(room, patch);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, R"({"type":"peer:updated","__seq":1,"peerId":"a","patch":{"x":1}})");
  EXPECT_EQ(replay->statistics().size, 1U);
  (void)replay->record(room, R"({"type":"peer:updated","peerId":"a","patch":{"x":2}})");
  unix_ms += 1;
  (void)replay->record(room, patch);
  EXPECT_EQ(replay->statistics().size, 3U);
}

TEST_F(Replay, the_envelope_holds_what_was_missed_in_order_but_nothing_about_the_peer_itself) {
  const auto replay = make();
  (void)replay->record(room, joined("a"));
  (void)replay->record(room, joined("me"));
  (void)replay->record(RoomId("another"), joined("b"));
  (void)replay->record(room, R"({"type":"peer:left","peerId":"a"})");
  (void)replay->record(room, R"({"type":"room:updated","patch":{"topic":"x"}})");
  std::vector<EventsReplayed> told;
  const auto subscription = bus.subscribe<EventsReplayed>([&](const EventsReplayed& fact) { told.push_back(fact); });

  const auto all = envelope(*replay, "me", -1);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0], Json::parse(R"({"type":"replay:start","roomId":"r","fromSeq":1,"toSeq":5,"count":3})"));
  EXPECT_EQ(all[1]["type"], "replay:event");
  EXPECT_EQ(all[1]["seq"], 1);
  EXPECT_EQ(all[1]["event"], "peer:joined");
  EXPECT_EQ(all[1]["payload"]["peer"]["id"], "a");
  EXPECT_EQ(all[1]["ts"], unix_ms);
  EXPECT_EQ(all[2]["seq"], 4);
  EXPECT_EQ(all[3]["payload"], Json::parse(R"({"patch":{"topic":"x"}})"));
  EXPECT_EQ(all[4], Json::parse(R"({"type":"replay:end","roomId":"r","count":3,"lastSeq":5})"));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].count, 3U);
  EXPECT_EQ(told[0].from_seq, 1);
  EXPECT_EQ(told[0].to_seq, 5);

  const auto some = envelope(*replay, "me", 4);
  ASSERT_EQ(some.size(), 3U);
  EXPECT_EQ(some[0]["fromSeq"], 5);
  const auto nothing = envelope(*replay, "me", 5);
  ASSERT_EQ(nothing.size(), 2U);
  EXPECT_EQ(nothing[0], Json::parse(R"({"type":"replay:start","roomId":"r","fromSeq":5,"toSeq":5,"count":0})"));
}

TEST_F(Replay, evicted_events_are_a_gap_and_so_are_those_that_are_too_old) {
  EventReplayOptions options;
  options.capacity = 3;
  options.replay_ttl = 10s;
  const auto replay = make(options);
  std::size_t gaps = 0;
  const auto subscription = bus.subscribe<ReplayGapDetected>([&](const ReplayGapDetected&) { ++gaps; });
  for (const char* peer : {"a", "b", "c", "d"}) (void)replay->record(room, joined(peer));
  EXPECT_EQ(replay->statistics().size, 3U);
  EXPECT_EQ(replay->statistics().oldest_seq, 2);
  EXPECT_EQ(replay->current_seq(), 4);
  EXPECT_EQ(envelope(*replay, "me", 0)[0]["gap"], true);
  EXPECT_FALSE(envelope(*replay, "me", 1)[0].contains("gap")) << "what it has seen is no loss";
  EXPECT_EQ(gaps, 1U);
  unix_ms += 11'000;
  const auto late = envelope(*replay, "me", 1);
  EXPECT_EQ(late[0]["count"], 0);
  EXPECT_EQ(late[0]["gap"], true);
}

TEST_F(Replay, a_client_that_has_seen_more_than_there_is_learns_of_a_gap) {
  const auto replay = make();
  (void)replay->record(room, joined("a"));
  const auto messages = envelope(*replay, "me", 900);
  EXPECT_EQ(messages[0]["gap"], true);
  EXPECT_EQ(messages[0]["count"], 0);
  EXPECT_EQ(messages.back()["lastSeq"], 1);
}

TEST_F(Replay, a_successor_goes_on_where_its_predecessor_died) {
  EventReplayOptions options;
  options.capacity = 5;
  {
    const auto replay = make(options);
    for (int i = 0; i < 12; ++i) (void)replay->record(room, joined("p" + std::to_string(i)));
  }
  const auto successor = make(options);
  EXPECT_EQ(successor->current_seq(), 12);
  EXPECT_EQ(successor->last_seq(room), 12);
  EXPECT_EQ(successor->statistics().oldest_seq, 8);
  EXPECT_EQ(envelope(*successor, "me", 9)[0]["count"], 3);
  EXPECT_FALSE(envelope(*successor, "me", 7)[0].contains("gap"));
  EXPECT_EQ(envelope(*successor, "me", 6)[0]["gap"], true);
  EXPECT_EQ(successor->record(room, joined("p11")),
            R"({"type":"peer:joined","__seq":12,"peer":{"id":"p11","roomId":"r","state":"joined","metadata":{}}})")
      << "still known to be a duplicate";
  (void)successor->record(room, joined("new"));
  EXPECT_EQ(successor->current_seq(), 13);
  EXPECT_EQ(store.rows["replay"].size(), 5U);
}

TEST_F(Replay, a_damaged_row_is_dropped) {
  store.rows["replay"]["0000000000000000001"] = "{";
  store.rows["replay"]["0000000000000000002"] =
      R"({"seq":2,"hash":"h","type":"t","roomId":"r","peerId":null,"payload":{},"ts":1})";
  store.rows["replay"]["0000000000000000003"] =
      R"({"seq":2,"hash":"h","type":"t","roomId":"r","peerId":null,"payload":{},"ts":1})";
  store.rows["replay"]["0000000000000000004"] = R"({"seq":"4"})";
  const auto replay = make();
  EXPECT_EQ(replay->statistics().size, 1U);
  EXPECT_EQ(replay->current_seq(), 2);
  EXPECT_EQ(store.rows["replay"].size(), 1U);
}

TEST_F(Replay, rooms_come_and_go_in_the_log) {
  const auto replay = make();
  ASSERT_TRUE(rooms.create(room, {}, std::nullopt, TimePoint{}));
  ASSERT_TRUE(rooms.destroy(room));
  const auto events = replay->since(0);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].type, "room:created");
  EXPECT_EQ(Json::parse(events[0].payload), Json::parse(R"({"roomId":"r","metadata":{}})"));
  EXPECT_EQ(events[1].type, "room:destroyed");
  EXPECT_EQ(replay->room_events(room, 1).size(), 1U);
  EXPECT_EQ(replay->room_events(RoomId("another")).size(), 0U);
}

TEST_F(Replay, types_can_be_chosen) {
  EventReplayOptions options;
  options.types = {"room:locked"};
  const auto replay = make(options);
  EXPECT_EQ(replay->record(room, joined("a")), std::nullopt);
  EXPECT_EQ(replay->record(room, R"({"type":"room:locked","lockedBy":"a"})"),
            R"({"type":"room:locked","__seq":1,"lockedBy":"a"})");
  ASSERT_TRUE(rooms.create(room, {}, std::nullopt, TimePoint{}));
  EXPECT_EQ(replay->current_seq(), 1);
}

TEST_F(Replay, events_can_be_sent_to_a_member_by_hand) {
  const auto replay = make();
  const PeerId peer = rooms.connect("native", "192.0.2.1");
  rooms.join(peer, room, {}, TimePoint{}, [](const JoinOutcome&, TimePoint) {});
  (void)replay->record(room, joined("a"));
  (void)replay->record(RoomId("another"), joined("b"));
  replay->record("maintenance", std::nullopt, std::nullopt, "{}");
  std::vector<std::string> sent;
  const auto subscription =
      bus.subscribe<PeerMessagePosted>([&](const PeerMessagePosted& fact) { sent.push_back(fact.message); });
  EXPECT_EQ(replay->replay_to_peer(peer, 1), 2U);  // 1 is the room's creation
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(Json::parse(sent[1])["event"], "maintenance");
  EXPECT_EQ(replay->replay_to_peer(PeerId("unknown"), 0), 0U);
}

}  // namespace
}  // namespace sluice
