// What is restored equals what was: the log is read back, as a successor would, after every single change.
#include "control/sessions/control_state.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sluice {
namespace {

using std::chrono::seconds;

/// A control process without its outside.
struct Core {
  Core(StateLog& log, std::chrono::milliseconds ttl)
      : sessions(rooms, bus, entropy,
                 [&] {
                   SessionOptions options;
                   options.reconnect_ttl = ttl;
                   return options;
                 }()),
        state(rooms, &publications, sessions, bus, log) {}
  Bus bus;
  SystemEntropy entropy;
  Rooms rooms{bus, entropy, {}, [](TimePoint now) { return now.time_since_epoch() / std::chrono::milliseconds(1); }};
  Publications publications{rooms, bus, entropy, {}, [](TimePoint) { return std::int64_t{5}; }};
  Sessions sessions;
  ControlState state;
};

/// All that must survive, in comparable form.
struct Image {
  explicit Image(const Core& core) {
    for (const auto& [id, room] : core.rooms.rooms()) {
      rooms[id.value] = {room->id(), room->metadata(), room->capacity(), room->created_at(), room->visited()};
      members[id.value] = room->members();
    }
    for (const auto& [id, peer] : core.rooms.peers()) {
      if (!peer->room()) continue;  // connections die with the process
      peers[id.value] = {peer->id(), *peer->room(), peer->metadata(), peer->dialect(), peer->ip(), peer->join_number()};
      const auto tokens_of = core.sessions.tokens().find(id);
      if (tokens_of != core.sessions.tokens().end()) tokens[id.value] = tokens_of->second;
    }
    for (const auto& [id, publication] : core.publications.publications()) publications.emplace(id.value, publication);
    for (const auto& [id, subscription] : core.publications.subscriptions()) subscriptions.emplace(id.value, subscription);
    for (const auto& [id, room] : core.rooms.rooms()) {
      for (const Publication* publication : core.publications.in_room(id)) order[id.value].push_back(publication->id);
    }
  }
  std::map<std::string, RoomRecord> rooms;
  std::map<std::string, std::vector<PeerId>> members;
  std::map<std::string, MemberRecord> peers;
  std::map<std::string, Sessions::Tokens> tokens;
  std::map<std::string, Publication> publications;
  std::map<std::string, Subscription> subscriptions;
  std::map<std::string, std::vector<ProducerId>> order;
  friend bool operator==(const Image&, const Image&) = default;
};

struct ControlStateFixture : ::testing::Test {
  StateLog open() { return *StateLog::open(std::move(*Region::map(region.fd(), Access::read_write))); }
  Region region = *Region::create("control-state-test", std::size_t{1} << 20U);
  StateLog log = open();
  TimePoint now = TimePoint{} + seconds(1000);
};

TEST_F(ControlStateFixture, a_successor_finds_what_was_after_every_change) {
  std::mt19937 random(11);
  const auto pick = [&](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random); };
  Core core(log, std::chrono::milliseconds(15'000));
  core.state.restore(now);
  std::vector<PeerId> peers;
  const auto members = [&] {
    std::vector<PeerId> result;
    for (const auto& [id, peer] : core.rooms.peers()) {
      if (peer->room()) result.push_back(id);
    }
    return result;
  };
  const auto producers = [&] {
    std::vector<ProducerId> result;
    for (const auto& [id, publication] : core.publications.publications()) result.push_back(id);
    return result;
  };
  const auto consumers = [&] {
    std::vector<ConsumerId> result;
    for (const auto& [id, subscription] : core.publications.subscriptions()) result.push_back(id);
    return result;
  };
  for (int i = 0; i < 1500; ++i) {
    now += seconds(1);
    const auto all = members();
    const PeerId peer = all.empty() ? PeerId("none") : all[pick(all.size())];
    const auto made = producers();
    const auto taken = consumers();
    switch (pick(14)) {
      case 0:
      case 1:
      case 2:
        core.rooms.join(core.rooms.connect("native", "192.0.2.7"), RoomId("room " + std::to_string(pick(5))),
                        {{"name", "\"x\""}, {"nested", "{\"a\":[1.50]}"}}, now, nullptr);
        break;
      case 3:
        core.rooms.leave(peer, static_cast<LeaveCause>(pick(3)));
        break;
      case 4:
        core.rooms.kick(peer);
        break;
      case 5:
        core.rooms.patch_peer_metadata(peer, {{"n", std::to_string(i)}, {"name", pick(2) == 0 ? "null" : "\"y\""}});
        break;
      case 6:
        (void)core.rooms.create(RoomId("made " + std::to_string(i)), {{"t", "null"}}, 3, now);
        break;
      case 7: {
        const RoomId room("room " + std::to_string(pick(5)));
        (void)core.rooms.patch_room_metadata(room, {{"k", std::to_string(i)}});
        (void)core.rooms.set_capacity(room, 20 + pick(20));
        if (pick(10) == 0) (void)core.rooms.destroy(room);
        break;
      }
      case 8:
        (void)core.publications.publish(peer, {static_cast<PublicationKind>(pick(3)), "t", {}, "1", {1, 0xFFFFFFFF}}, now);
        break;
      case 9:
        if (!made.empty()) (void)core.publications.subscribe(peer, made[pick(made.size())], now);
        break;
      case 10:
        if (!made.empty()) {
          const ProducerId& id = made[pick(made.size())];
          const PeerId owner = core.publications.find(id)->peer;
          if (pick(2) == 0) {
            (void)core.publications.unpublish(owner, id);
          } else {
            (void)core.publications.set_publication_paused(owner, id, pick(2) == 0);
          }
        }
        break;
      case 11:
        if (!taken.empty()) {
          const ConsumerId& id = taken[pick(taken.size())];
          const PeerId owner = core.publications.find(id)->subscriber;
          (void)core.publications.select_layer(owner, id, "low");
          (void)core.publications.set_subscription_paused(owner, id, pick(2) == 0);
          if (pick(2) == 0) (void)core.publications.unsubscribe(owner, id);
        }
        break;
      case 12: {
        core.sessions.drop(peer, now);
        if (const auto token = core.sessions.token(peer); token && pick(2) == 0) {
          core.sessions.resume(*token);
          core.rooms.resume(peer);
        }
        break;
      }
      case 13:
        core.sessions.accept_also(peer, "session " + std::to_string(i));
        break;
      default:
        break;
    }
    // The predecessor is killed here: its successor knows nothing but the bytes.
    StateLog again = open();
    Core successor(again, std::chrono::milliseconds(15'000));
    successor.state.restore(now);
    ASSERT_EQ(Image(core), Image(successor)) << "after step " << i;
    for (const auto& [id, held] : successor.rooms.peers()) ASSERT_EQ(held->state(), PeerState::reconnecting);
  }
  EXPECT_EQ(core.state.failed_writes(), 0U);
}

TEST_F(ControlStateFixture, restored_members_are_held_and_resume_by_token) {
  std::string token;
  PeerId peer;
  {
    Core core(log, std::chrono::milliseconds(5'000));
    peer = core.rooms.connect("native", "");
    core.rooms.join(peer, RoomId("r"), {}, now, nullptr);
    token = *core.sessions.token(peer);
  }
  Core core(log, std::chrono::milliseconds(5'000));
  int restored = 0;
  int left = 0;
  auto on_restored = core.bus.subscribe<RoomsRestored>([&](const RoomsRestored&) { ++restored; });
  auto on_left = core.bus.subscribe<PeerLeft>([&](const PeerLeft&) { ++left; });
  EXPECT_EQ(core.state.restore(now), 1U);
  EXPECT_EQ(restored, 1);
  EXPECT_EQ(core.sessions.next_deadline(), now + seconds(15));  // the longer of 5 s and 15 s
  EXPECT_EQ(core.sessions.holder(token), peer);
  ASSERT_TRUE(core.sessions.resume(token));
  EXPECT_TRUE(core.rooms.resume(peer));
  core.sessions.handle_timeout(now + seconds(60));
  EXPECT_EQ(left, 0);
  EXPECT_FALSE(core.sessions.holder(token));
}

TEST_F(ControlStateFixture, a_used_token_works_again_only_if_the_process_died_before_its_answer_was_seen) {
  std::string first;
  std::string second;
  PeerId peer;
  {
    Core core(log, std::chrono::milliseconds(15'000));
    core.rooms.join(peer = core.rooms.connect("native", ""), RoomId("r"), {}, now, nullptr);
    first = *core.sessions.token(peer);
    core.sessions.drop(peer, now);
    ASSERT_TRUE(core.sessions.resume(first));
    core.rooms.resume(peer);
    second = *core.sessions.token(peer);
    EXPECT_FALSE(core.sessions.holder(first));
  }
  {
    Core core(log, std::chrono::milliseconds(15'000));
    core.state.restore(now);
    EXPECT_EQ(core.sessions.holder(first), peer);
    EXPECT_EQ(core.sessions.holder(second), peer);
    ASSERT_TRUE(core.sessions.resume(first));
    core.rooms.resume(peer);
    EXPECT_FALSE(core.sessions.holder(first));
    EXPECT_FALSE(core.sessions.holder(second));
    core.sessions.confirm(peer);
    second = *core.sessions.token(peer);
  }
  Core core(log, std::chrono::milliseconds(15'000));
  core.state.restore(now);
  EXPECT_FALSE(core.sessions.holder(first));
  EXPECT_EQ(core.sessions.holder(second), peer);
}

TEST(StateRecords, tokens_of_before_the_third_are_read) {
  const std::string tokens = encode(Sessions::Tokens{"a", "b", ""});
  EXPECT_EQ(decode_tokens(as_bytes(tokens)), (Sessions::Tokens{"a", "b", ""}));
  EXPECT_EQ(decode_tokens(as_bytes(tokens).first(tokens.size() - 4)), (Sessions::Tokens{"a", "b", ""}));
}

TEST_F(ControlStateFixture, without_hold_time_restored_members_still_get_15_seconds) {
  {
    Core core(log, {});
    core.rooms.join(core.rooms.connect("native", ""), RoomId("r"), {}, now, nullptr);
  }
  Core core(log, {});
  EXPECT_EQ(core.state.restore(now), 1U);
  EXPECT_EQ(core.sessions.next_deadline(), now + seconds(15));
  core.sessions.handle_timeout(now + seconds(15));
  EXPECT_TRUE(core.rooms.rooms().empty());
  EXPECT_EQ(log.size(), 0U);
}

TEST_F(ControlStateFixture, what_does_not_fit_together_is_erased) {
  const auto put = [&](const std::string& key, const std::string& value) { ASSERT_TRUE(log.put(key, as_bytes(value))); };
  put("core/room/bad", "x");
  put("core/room/left",
      encode(RoomRecord{RoomId("left"), {}, 3, 0, true}));  // its last member's leaving was written, its end not
  put("core/room/made", encode(RoomRecord{RoomId("made"), {}, 3, 0, false}));
  put("core/peer/p", encode(MemberRecord{PeerId("p"), RoomId("missing"), {}, "native", "", 1}));
  put("core/token/p", encode(Sessions::Tokens{"t", "", ""}));
  put("core/prod/x", encode(Publication{ProducerId("x"), PeerId("p"), RoomId("missing"), {}, {}, {}, {}, {}, false, 0, 1}));
  put("core/cons/y",
      encode(Subscription{ConsumerId("y"), ProducerId("x"), PeerId("p"), RoomId("missing"), false, {}, {}, 0, 2}));
  put("media/other", "not ours");
  Core core(log, {});
  EXPECT_EQ(core.state.restore(now), 0U);
  std::vector<std::string> keys;
  log.for_each([&](std::string_view key, Bytes) { keys.emplace_back(key); });
  EXPECT_EQ(keys, (std::vector<std::string>{"core/room/made", "media/other"}));
  EXPECT_EQ(core.rooms.rooms().size(), 1U);
}

TEST(StateRecords, truncation_at_every_byte_is_noticed) {
  const std::string member = encode(MemberRecord{PeerId("p"), RoomId("r"), {{"a", "1"}, {"b", "2"}}, "native", "ip", 9});
  const std::string publication = encode(Publication{
      ProducerId("x"), PeerId("p"), RoomId("r"), PublicationKind::video, "t", {"low", "high"}, "1", {7, 8}, true, 5, 6});
  ASSERT_TRUE(decode_member(as_bytes(member)));
  ASSERT_TRUE(decode_publication(as_bytes(publication)));
  const std::size_t older = member.size() - 16;  // records of before there were restrictions end here
  for (std::size_t size = 0; size < member.size(); ++size)
    EXPECT_EQ(decode_member(as_bytes(member).first(size)).has_value(), size == older) << size;
  for (std::size_t size = 0; size < publication.size(); ++size)
    EXPECT_FALSE(decode_publication(as_bytes(publication).first(size)));
  std::string newer = member;
  newer[0] = 2;
  EXPECT_FALSE(decode_member(as_bytes(newer)));
}

}  // namespace
}  // namespace sluice
