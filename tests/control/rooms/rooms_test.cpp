#include "control/rooms/rooms.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "control/rooms/publications.hpp"

namespace sluice {
namespace {

struct RoomsFixture : ::testing::Test {
  Bus bus;
  SystemEntropy entropy;
  RoomsOptions options;
  Rooms rooms{bus, entropy, options, [](TimePoint) { return std::int64_t{1'714'000'000'000}; }};
  std::vector<std::string> log;
  std::vector<Bus::Subscription> handles;

  template <typename Fact>
  void record(const std::string& name) {
    handles.push_back(bus.subscribe<Fact>([this, name](const Fact&) { log.push_back(name); }));
  }
  void SetUp() override {
    record<PeerConnected>("connected");
    record<PeerClosed>("closed");
    record<PeerJoined>("joined");
    record<PeerLeft>("left");
    record<PeerKicked>("kicked");
    record<PeerSuspended>("suspended");
    record<PeerReconnected>("reconnected");
    record<RoomCreated>("created");
    record<RoomDestroyed>("destroyed");
  }
  PeerId join(const std::string& room = "r") {
    const PeerId peer = rooms.connect("native", "192.0.2.1");
    rooms.join(peer, RoomId(room), {}, TimePoint{}, [](const JoinOutcome& outcome, TimePoint) { EXPECT_TRUE(outcome); });
    return peer;
  }
};
using Log = std::vector<std::string>;

TEST_F(RoomsFixture, every_fact_of_a_life_comes_once_and_in_order) {
  const PeerId peer = join();
  rooms.suspend(peer, TimePoint{});
  EXPECT_TRUE(rooms.resume(peer));
  rooms.leave(peer, LeaveCause::left);
  rooms.leave(peer, LeaveCause::left);
  rooms.discard(peer);
  rooms.discard(peer);
  EXPECT_EQ(log, (Log{"connected", "created", "joined", "suspended", "reconnected", "left", "destroyed", "closed"}));
}

TEST_F(RoomsFixture, a_kick_is_a_departure) {
  const PeerId peer = join();
  log.clear();
  EXPECT_TRUE(rooms.kick(peer));
  EXPECT_FALSE(rooms.kick(peer));
  EXPECT_EQ(log, (Log{"kicked", "left", "destroyed", "closed"}));
  EXPECT_TRUE(rooms.peers().empty());
}

TEST_F(RoomsFixture, members_are_in_join_order_and_the_snapshot_of_one_that_left_names_its_room) {
  const PeerId a = join();
  const PeerId b = join();
  EXPECT_EQ(rooms.find_room(RoomId("r"))->members(), (std::vector<PeerId>{a, b}));
  EXPECT_EQ(rooms.find_room(RoomId("r"))->created_at(), 1'714'000'000'000);
  EXPECT_TRUE(rooms.same_room(a, b));
  auto handle = bus.subscribe<PeerLeft>([&](const PeerLeft& fact) {
    EXPECT_EQ(fact.peer.room, RoomId("r"));
    EXPECT_EQ(fact.peer.state, PeerState::closed);
    EXPECT_EQ(fact.cause, LeaveCause::dropped);
    EXPECT_EQ(rooms.find_peer(a), nullptr);
  });
  rooms.leave(a, LeaveCause::dropped);
  EXPECT_EQ(rooms.find_room(RoomId("r"))->members(), (std::vector<PeerId>{b}));
  EXPECT_FALSE(rooms.same_room(a, b));
}

TEST_F(RoomsFixture, rooms_made_by_the_server_have_their_own_capacity_and_stay_while_empty) {
  EXPECT_EQ(rooms.create(RoomId(" "), {}, {}, TimePoint{}).error(), RoomError::invalid_id);
  EXPECT_EQ(rooms.create(RoomId("r"), {}, 0, TimePoint{}).error(), RoomError::invalid_capacity);
  ASSERT_TRUE(rooms.create(RoomId("r"), {}, 1, TimePoint{}));
  EXPECT_EQ(rooms.create(RoomId("r"), {}, 1, TimePoint{}).error(), RoomError::already_exists);
  const PeerId first = join();
  const PeerId second = rooms.connect("native", "");
  bool full = false;
  const auto note = [&](const JoinOutcome& outcome, TimePoint) { full = !outcome && outcome.error().code == "ROOM_FULL"; };
  rooms.join(second, RoomId("r"), {}, TimePoint{}, note);
  EXPECT_TRUE(full);
  ASSERT_TRUE(rooms.set_capacity(RoomId("r"), 2));
  rooms.join(second, RoomId("r"), {}, TimePoint{}, note);
  EXPECT_FALSE(full);
  EXPECT_FALSE(rooms.set_capacity(RoomId("r"), 0));
  EXPECT_FALSE(rooms.set_capacity(RoomId("nowhere"), 2));
}

TEST_F(RoomsFixture, rooms_may_be_told_to_stay) {
  options.auto_destroy_rooms = false;
  Rooms lasting(bus, entropy, options, [](TimePoint) { return std::int64_t{0}; });
  const PeerId peer = lasting.connect("native", "");
  lasting.join(peer, RoomId("r"), {}, TimePoint{}, nullptr);
  lasting.leave(peer, LeaveCause::left);
  EXPECT_NE(lasting.find_room(RoomId("r")), nullptr);
}

TEST_F(RoomsFixture, a_subscriber_may_kick_the_newcomer) {
  auto handle = bus.subscribe<PeerJoined>([&](const PeerJoined& fact) { rooms.kick(fact.peer.id); });
  log.clear();
  join();
  EXPECT_EQ(log, (Log{"connected", "created", "joined", "kicked", "left", "destroyed", "closed"}));
}

TEST_F(RoomsFixture, a_member_cannot_join_again) {
  const PeerId peer = join();
  rooms.join(peer, RoomId("s"), {}, TimePoint{}, [](const JoinOutcome&, TimePoint) { FAIL(); });
  EXPECT_EQ(rooms.find_peer(peer)->room(), RoomId("r"));
}

TEST_F(RoomsFixture, late_answers_after_the_end_of_everything_do_nothing) {
  struct Late final : AdmissionStep {
    AdmissionStage stage() const override { return AdmissionStage::user_hook; }
    void decide(const AdmissionRequest&, AdmissionReply given) override { reply = std::move(given); }
    std::optional<AdmissionReply> reply;
  } step;
  {
    Rooms short_lived(bus, entropy, options, [](TimePoint) { return std::int64_t{0}; });
    short_lived.add_admission_step(step);
    const PeerId peer = short_lived.connect("native", "");
    short_lived.join(peer, RoomId("r"), {}, TimePoint{}, [](const JoinOutcome&, TimePoint) { FAIL(); });
  }
  (*step.reply)(Admit{}, TimePoint{});
}

TEST_F(RoomsFixture, publications_of_other_rooms_are_unknown_and_all_end_with_their_room) {
  Publications publications(rooms, bus, entropy, {}, [](TimePoint) { return std::int64_t{0}; });
  const PeerId a = join();
  const PeerId b = join();
  const PeerId stranger = join("elsewhere");
  const auto made = publications.publish(a, {PublicationKind::video, "cam", {}, {}, {}}, TimePoint{});
  ASSERT_TRUE(made);
  const ProducerId id = (*made)->id;
  EXPECT_EQ(publications.subscribe(stranger, id, TimePoint{}).error(), PublicationError::not_found);
  EXPECT_EQ(publications.subscribe(a, id, TimePoint{}).error(), PublicationError::own);
  EXPECT_EQ(publications.unpublish(stranger, id).error(), PublicationError::not_found);
  EXPECT_EQ(publications.unpublish(b, id).error(), PublicationError::not_owner);
  ASSERT_TRUE(publications.subscribe(b, id, TimePoint{}));
  ASSERT_TRUE(publications.subscribe(b, id, TimePoint{}));
  EXPECT_EQ(publications.of_publication(id).size(), 2U);
  record<SubscriptionEnded>("subscription ended");
  record<PublicationEnded>("publication ended");
  log.clear();
  ASSERT_TRUE(rooms.destroy(RoomId("r")));
  EXPECT_EQ(std::count(log.begin(), log.end(), "subscription ended"), 2);
  EXPECT_EQ(std::count(log.begin(), log.end(), "publication ended"), 1);
  EXPECT_TRUE(publications.publications().empty());
  EXPECT_TRUE(publications.subscriptions().empty());
  EXPECT_TRUE(publications.in_room(RoomId("r")).empty());
}

TEST_F(RoomsFixture, what_was_decided_later_than_the_core_remembers_stays_closed) {
  const PeerId peer = join();
  std::vector<Restrictions> told;
  const auto handle = bus.subscribe<PeerRestricted>([&](const PeerRestricted& fact) { told.push_back(fact.restrictions); });
  rooms.distrust_media(peer, 7, true, false);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_FALSE(told[0].may_send());
  EXPECT_TRUE(told[0].may_receive());
  EXPECT_GT(told[0].epoch, 7U);
  rooms.distrust_media(peer, 3, false, true);  // that is older than what we know
  EXPECT_EQ(told.size(), 1U);
  // A mute and its end say nothing about what is not known.
  EXPECT_TRUE(rooms.restrict_media(peer, Restriction::muted, MediaDirection::send, true));
  EXPECT_TRUE(rooms.restrict_media(peer, Restriction::muted, MediaDirection::send, false));
  EXPECT_FALSE(rooms.find_peer(peer)->restrictions().may_send());
  // A new membership begins anew.
  rooms.leave(peer, LeaveCause::left);
  rooms.join(peer, RoomId("r"), {}, TimePoint{}, [](const JoinOutcome&, TimePoint) {});
  EXPECT_TRUE(rooms.find_peer(peer)->restrictions().may_send());
  rooms.distrust_media(PeerId("nobody"), 7, true, true);
}

}  // namespace
}  // namespace sluice
