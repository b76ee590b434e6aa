#include "control/embedding/mirror.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::embedding {
namespace {

using nlohmann::json;

json peer_json(const std::string& id, const std::string& state = "joined", json metadata = json::object()) {
  return {{"id", id}, {"state", state}, {"metadata", std::move(metadata)}};
}
json room_json(const std::string& id, const std::vector<json>& peers) {
  return {{"id", id}, {"metadata", {{"topic", id}}}, {"peers", peers}, {"createdAt", 5}, {"maxPeers", 9}};
}
std::vector<std::string> names(const std::vector<Notice>& notices) {
  std::vector<std::string> result;
  for (const Notice& notice : notices) {
    const auto subject = notice.peer ? notice.peer->id : notice.room ? notice.room->id : "";
    result.push_back(notice.name + " " + subject);
  }
  return result;
}

class MirrorTest : public ::testing::Test {
 protected:
  Notice join(const std::string& id, const std::string& room) {
    return mirror.apply("peer:joined", {{"peer", peer_json(id, "joined", {{"n", id}})}, {"roomId", room}}, 1);
  }
  void SetUp() override {
    (void)mirror.reconcile(json::object());
    (void)mirror.apply("room:created", {{"roomId", "r"}, {"room", room_json("r", {})}}, 1);
  }
  Mirror mirror;
};

TEST_F(MirrorTest, ALifeOfAPeerShowsInItsRecordWhichOutlivesIt) {
  const Notice connected = mirror.apply("peer:connected", {{"peerId", "a"}, {"ip", "::1"}}, 1);
  ASSERT_NE(connected.peer, nullptr);
  const auto a = connected.peer;
  EXPECT_EQ(a->state, "connecting");
  EXPECT_EQ(join("a", "r").peer, a);
  EXPECT_EQ(a->state, "joined");
  EXPECT_EQ(a->room_id, "r");
  EXPECT_EQ(a->metadata, (json{{"n", "a"}}));
  (void)mirror.apply("peer:updated", {{"peerId", "a"}, {"roomId", "r"}, {"patch", {{"n", nullptr}, {"m", 1}}}}, 2);
  EXPECT_EQ(a->metadata, (json{{"m", 1}}));
  (void)mirror.apply("peer:suspended", {{"peerId", "a"}, {"roomId", "r"}}, 3);
  EXPECT_EQ(a->state, "reconnecting");
  (void)mirror.apply("peer:reconnected", {{"peer", peer_json("a", "joined", {{"m", 1}})}, {"roomId", "r"}}, 4);
  EXPECT_EQ(a->state, "joined");
  const Notice left =
      mirror.apply("peer:left", {{"peer", peer_json("a", "closed")}, {"roomId", "r"}, {"cause", "kicked"}}, 5);
  EXPECT_EQ(left.peer, a);
  ASSERT_NE(left.room, nullptr);
  EXPECT_TRUE(left.room->members.empty());
  EXPECT_EQ(a->state, "closed");
  EXPECT_FALSE(a->room_id);
  (void)mirror.apply("peer:disconnected", {{"peerId", "a"}}, 6);
  EXPECT_EQ(mirror.peer("a"), nullptr);
  EXPECT_EQ(a->metadata, (json{{"m", 1}}));  // what it was
}

TEST_F(MirrorTest, WhoLeavesByItselfIsConnectingAgainWithoutMetadata) {
  const auto a = join("a", "r").peer;
  (void)mirror.apply("peer:left", {{"peer", peer_json("a", "connecting")}, {"roomId", "r"}, {"cause", "left"}}, 2);
  EXPECT_EQ(a->state, "connecting");
  EXPECT_TRUE(a->metadata.empty());
  EXPECT_EQ(mirror.peer("a"), a);
}

TEST_F(MirrorTest, MembersStandInJoinOrder) {
  for (const char* id : {"c", "a", "b"}) (void)join(id, "r");
  EXPECT_EQ(mirror.room("r")->members, (std::vector<std::string>{"c", "a", "b"}));
  EXPECT_EQ(summary_of(*mirror.room("r"))["peerCount"], 3);
}

TEST_F(MirrorTest, RoomMetadataKeepsNull) {
  (void)mirror.apply("room:updated", {{"roomId", "r"}, {"patch", {{"topic", nullptr}}}}, 2);
  EXPECT_EQ(mirror.room("r")->metadata, (json{{"topic", nullptr}}));
}

TEST_F(MirrorTest, ADestroyedRoomIsGoneAndOneOfTheSameNameIsAnother) {
  const auto first = mirror.room("r");
  const Notice destroyed = mirror.apply("room:destroyed", {{"roomId", "r"}}, 2);
  EXPECT_EQ(destroyed.room, first);
  EXPECT_TRUE(first->gone);
  (void)mirror.apply("room:created", {{"roomId", "r"}, {"room", room_json("r", {})}}, 3);
  EXPECT_NE(mirror.room("r"), first);
}

TEST_F(MirrorTest, DataIsAboutItsSenderAndItsRoom) {
  const auto a = join("a", "r").peer;
  const Notice data = mirror.apply("data", {{"roomId", "r"}, {"from", "a"}, {"to", nullptr}, {"payload", 1}}, 2);
  EXPECT_EQ(data.peer, a);
  EXPECT_EQ(data.room, mirror.room("r"));
  EXPECT_EQ(mirror.apply("data", {{"roomId", "r"}, {"from", "__admin__"}, {"payload", 1}}, 3).peer, nullptr);
}

TEST(Mirror, TheFirstSnapshotIsTakenOverInSilence) {
  Mirror mirror;
  EXPECT_TRUE(mirror
                  .reconcile({{"rooms", {room_json("r", {peer_json("b"), peer_json("a")})}},
                              {"peers", {peer_json("c", "connecting")}}})
                  .empty());
  EXPECT_EQ(mirror.room("r")->members, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(mirror.room("r")->max_peers, 9U);
  EXPECT_EQ(mirror.peer("a")->room_id, "r");
  EXPECT_EQ(mirror.peer("c")->state, "connecting");
}

TEST_F(MirrorTest, AnEventBeforeTheSnapshotMayBeAboutARoomThatItBrings) {
  const Notice joined = join("early", "unknown");
  ASSERT_NE(joined.room, nullptr);
  EXPECT_EQ(joined.room->members, std::vector<std::string>{"early"});
  (void)mirror.reconcile({{"rooms", {room_json("r", {}), room_json("unknown", {peer_json("first"), peer_json("early")})}}});
  EXPECT_EQ(mirror.room("unknown"), joined.room);
  EXPECT_EQ(joined.room->members, (std::vector<std::string>{"first", "early"}));
  EXPECT_EQ(joined.room->max_peers, 9U);
}

TEST_F(MirrorTest, ASnapshotAfterAGapSaysWhatHappenedMeanwhile) {
  const auto gone = join("gone", "r").peer;
  const auto held = join("held", "r").peer;
  (void)mirror.apply("room:created", {{"roomId", "old"}, {"room", room_json("old", {})}}, 2);
  const auto notices = mirror.reconcile(
      {{"rooms", {room_json("fresh", {peer_json("new")}), room_json("r", {peer_json("held", "reconnecting")})}},
       {"peers", json::array()}});
  EXPECT_EQ(names(notices), (std::vector<std::string>{"peer:left gone", "peer:disconnected gone", "room:destroyed old",
                                                      "room:created fresh", "peer:joined new", "peer:suspended held"}));
  EXPECT_EQ(gone->state, "closed");
  EXPECT_EQ(held->state, "reconnecting");
  EXPECT_EQ(mirror.peer("held"), held);  // handles stay good
  EXPECT_TRUE(
      mirror
          .reconcile(
              {{"rooms", {room_json("fresh", {peer_json("new")}), room_json("r", {peer_json("held", "reconnecting")})}}})
          .empty());
}

TEST_F(MirrorTest, WhatHasAnotherShapeIsIgnored) {
  for (const char* name : {"room:created", "room:destroyed", "room:updated", "peer:connected", "peer:joined", "peer:left",
                           "peer:updated", "peer:suspended", "peer:reconnected", "peer:disconnected", "something"}) {
    for (const json& data :
         {json(), json(7), json::array({1}), json::object(), json{{"peer", 1}, {"room", "x"}, {"roomId", 3}},
          json{{"peerId", "nobody"}, {"roomId", "nowhere"}, {"patch", 1}}}) {
      (void)mirror.apply(name, data, 1);
    }
  }
  (void)mirror.reconcile({{"rooms", {1, {{"id", 3}}, {{"id", "r"}, {"peers", 4}}}}, {"peers", {nullptr}}});
  EXPECT_NE(mirror.room("r"), nullptr);
  EXPECT_EQ(mirror.rooms().size(), 1U);
  EXPECT_TRUE(mirror.peers().empty());
}

}  // namespace
}  // namespace sluice::embedding
