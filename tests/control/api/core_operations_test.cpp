#include "control/api/core_operations.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "control/api/core_events.hpp"
#include "control/api/event_feed.hpp"

namespace sluice {
namespace {

using nlohmann::json;

class CoreOperationsTest : public ::testing::Test {
 protected:
  CoreOperationsTest() {
    add_core_operations(operations, {.rooms = rooms,
                                     .publications = &publications,
                                     .now = [this] { return now; },
                                     .unix_ms = [] { return std::int64_t{5}; }});
    listener =
        feed.listen([this](std::string_view event, const json& data, std::uint64_t) { heard.emplace_back(event, data); });
  }
  OperationResult ask(const std::string& name, const json& params = json::object()) {
    OperationResult answer = json();
    operations.call(name, params, {"control-socket", ""},
                    OperationReply([&](OperationResult result) { answer = std::move(result); }));
    return answer;
  }
  json good(const std::string& name, const json& params = json::object()) {
    const OperationResult result = ask(name, params);
    EXPECT_TRUE(result) << name << ": " << (result ? "" : result.error().message);
    return result.value_or(json());
  }
  OperationError::Kind bad(const std::string& name, const json& params) {
    const OperationResult result = ask(name, params);
    EXPECT_FALSE(result) << name;
    return result ? OperationError::Kind::internal : result.error().kind;
  }
  PeerId join(const std::string& room) {
    const PeerId peer = rooms.connect("native", "192.0.2.7");
    rooms.join(peer, RoomId(room), {}, now, [](const JoinOutcome&, TimePoint) {});
    return peer;
  }
  std::vector<std::string> names() {
    std::vector<std::string> result;
    for (const auto& [name, data] : std::exchange(heard, {})) result.push_back(name);
    return result;
  }

  TimePoint now{std::chrono::seconds(100)};
  Bus bus;
  SystemEntropy entropy;
  Rooms rooms{bus, entropy, {}, [](TimePoint) { return std::int64_t{5}; }};
  Publications publications{rooms, bus, entropy, {}, [](TimePoint) { return std::int64_t{5}; }};
  EventFeed feed;
  CoreEvents events{bus, feed, rooms, &publications};
  Operations operations;
  std::vector<std::pair<std::string, json>> heard;
  EventFeed::Subscription listener;
};

TEST_F(CoreOperationsTest, StreamsAreListedAndChanged) {
  const PeerId alice = join("r");
  const PeerId bob = join("r");
  PublishRequest video;
  video.kind = PublicationKind::video;
  const auto publication = publications.publish(alice, video, now);
  ASSERT_TRUE(publication);
  const std::string producer = (*publication)->id.value;
  const auto subscription = publications.subscribe(bob, (*publication)->id, now);
  ASSERT_TRUE(subscription);
  const std::string consumer = (*subscription)->id.value;

  EXPECT_EQ(good("sfu.producers", {{"roomId", "r"}})["producers"][0]["layers"], json({"low", "mid", "high"}));
  EXPECT_EQ(good("sfu.producers", {{"roomId", "other"}})["producers"], json::array());
  EXPECT_EQ(good("sfu.consumers")["consumers"][0]["subscriberPeerId"], bob.value);
  const json streams = good("sfu.streams", {{"roomId", "r"}});
  EXPECT_EQ(streams["peers"][0]["producers"][0]["subscribers"], 1);
  EXPECT_EQ(streams["peers"][1]["consumers"][0]["publisherPeerId"], alice.value);
  EXPECT_EQ(streams["peers"][0]["transport"], nullptr) << "no media";
  EXPECT_EQ(good("sfu.stats")["totalConsumers"], 1);

  (void)good("sfu.setLayer", {{"consumerId", consumer}, {"layer", "low"}});
  EXPECT_EQ(publications.find(ConsumerId(consumer))->active_layer, "low");
  EXPECT_EQ(bad("sfu.setLayer", {{"consumerId", consumer}, {"layer", "huge"}}), OperationError::Kind::invalid_params);
  (void)good("sfu.pauseProducer", {{"producerId", producer}});
  EXPECT_TRUE(publications.find(ProducerId(producer))->paused);
  (void)good("sfu.resumeProducer", {{"producerId", producer}});
  (void)good("sfu.pauseConsumer", {{"consumerId", consumer}});
  EXPECT_TRUE(publications.find(ConsumerId(consumer))->paused);
  (void)good("sfu.resumeConsumer", {{"consumerId", consumer}});
  (void)good("sfu.closeConsumer", {{"consumerId", consumer}});
  EXPECT_EQ(publications.find(ConsumerId(consumer)), nullptr);
  (void)good("sfu.closeProducer", {{"producerId", producer}});
  EXPECT_EQ(bad("sfu.closeProducer", {{"producerId", producer}}), OperationError::Kind::not_found);
  EXPECT_EQ(bad("sfu.pauseConsumer", {{"consumerId", consumer}}), OperationError::Kind::not_found);
  EXPECT_EQ(bad("sfu.streams", {{"roomId", "none"}}), OperationError::Kind::not_found);
}

TEST_F(CoreOperationsTest, PeersAreSeenSpokenToAndChanged) {
  const PeerId alice = join("r");
  const json seen = good("peers.get", {{"peerId", alice.value}});
  EXPECT_EQ(seen["ip"], "192.0.2.7");
  EXPECT_EQ(good("peers.list", {{"roomId", "r"}})["peers"].size(), 1U);
  EXPECT_EQ(bad("peers.list", {{"roomId", "none"}}), OperationError::Kind::not_found);
  (void)good("peers.update", {{"peerId", alice.value}, {"metadata", {{"hand", true}}}});
  EXPECT_EQ(bad("peers.update", {{"peerId", alice.value}, {"metadata", {{"deep", json::object()}}}}),
            OperationError::Kind::invalid_params);
  EXPECT_EQ(bad("peers.send", {{"peerId", "none"}, {"message", json::object()}}), OperationError::Kind::not_found);
  EXPECT_EQ(bad("rooms.broadcast", {{"roomId", "r"}}), OperationError::Kind::invalid_params) << "payload is missing";
  EXPECT_EQ(good("rooms.broadcast", {{"roomId", "r"}, {"payload", nullptr}})["sent"], 1);
}

TEST_F(CoreOperationsTest, WhatRoomsDoIsToldByTheContractsNames) {
  const PeerId alice = join("r");
  EXPECT_EQ(names(), (std::vector<std::string>{"peer:connected", "room:created", "peer:joined"}));
  (void)good("rooms.update", {{"roomId", "r"}, {"metadata", {{"topic", "x"}}}});
  ASSERT_TRUE(publications.publish(alice, PublishRequest{}, now));
  EXPECT_EQ(heard.at(1).second["producer"]["peerId"], alice.value);
  EXPECT_EQ(names(), (std::vector<std::string>{"room:updated", "producer:created"}));
  (void)good("peers.kick", {{"peerId", alice.value}, {"reason", "x"}});
  const std::vector<std::string> told = names();
  for (const char* name : {"peer:kicked", "peer:left", "producer:closed", "room:destroyed", "peer:disconnected"})
    EXPECT_EQ(std::count(told.begin(), told.end(), name), 1) << name;
}

TEST_F(CoreOperationsTest, ASnapshotShowsRoomsInJoinOrderAndWhoIsInNone) {
  const PeerId alice = join("r");
  const PeerId bob = join("r");
  const PeerId outside = rooms.connect("native", "192.0.2.7");
  const json all = good("server.snapshot");
  ASSERT_EQ(all["rooms"].size(), 1U);
  EXPECT_EQ(all["rooms"][0]["peers"][0]["id"], alice.value);
  EXPECT_EQ(all["rooms"][0]["peers"][1]["id"], bob.value);
  ASSERT_EQ(all["peers"].size(), 1U);
  EXPECT_EQ(all["peers"][0]["id"], outside.value);
}

TEST_F(CoreOperationsTest, PeersArePutIntoRoomsAndTakenOut) {
  const PeerId alice = rooms.connect("native", "192.0.2.7");
  EXPECT_EQ(good("rooms.addPeer", {{"roomId", "r"}, {"peerId", alice.value}})["peer"]["roomId"], "r");
  good("rooms.addPeer", {{"roomId", "r"}, {"peerId", alice.value}});  // it is there
  EXPECT_EQ(bad("rooms.addPeer", {{"roomId", "other"}, {"peerId", alice.value}}), OperationError::Kind::refused);
  EXPECT_EQ(bad("rooms.removePeer", {{"roomId", "other"}, {"peerId", alice.value}}), OperationError::Kind::not_found);
  good("rooms.removePeer", {{"roomId", "r"}, {"peerId", alice.value}});
  EXPECT_EQ(rooms.find_peer(alice)->state(), PeerState::connecting);
  EXPECT_EQ(rooms.find_room(RoomId("r")), nullptr);
  EXPECT_EQ(bad("rooms.addPeer", {{"roomId", " "}, {"peerId", alice.value}}), OperationError::Kind::refused);
  EXPECT_EQ(bad("rooms.addPeer", {{"roomId", "r"}, {"peerId", "nobody"}}), OperationError::Kind::not_found);
  const PeerId other = rooms.connect("protoo", "192.0.2.7");
  EXPECT_EQ(bad("rooms.addPeer", {{"roomId", "r"}, {"peerId", other.value}}), OperationError::Kind::refused);
}

TEST_F(CoreOperationsTest, AConnectionIsClosedWithACodeThatMayBe) {
  const PeerId alice = join("r");
  std::optional<std::uint16_t> code;
  const auto kicked = bus.subscribe<PeerKicked>([&](const PeerKicked& fact) { code = fact.close_code; });
  for (const int refused : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65536}) {
    EXPECT_EQ(bad("peers.close", {{"peerId", alice.value}, {"code", refused}}), OperationError::Kind::invalid_params)
        << refused;
  }
  good("peers.close", {{"peerId", alice.value}, {"code", 4000}, {"reason", "enough"}});
  EXPECT_EQ(code, 4000);
  EXPECT_EQ(rooms.find_peer(alice), nullptr);
  EXPECT_EQ(bad("peers.close", {{"peerId", alice.value}}), OperationError::Kind::not_found);
}

TEST_F(CoreOperationsTest, DataForModulesAndSignalsAreEvents) {
  const PeerId alice = join("r");
  (void)names();
  bus.publish(ControlPayloadTaken{RoomId("r"), alice, PeerId("b"), R"({"__mod":"mute"})"});
  bus.publish(SignalRelayed{RoomId("r"), alice, "__sfu__", "offer", R"("v=0")"});
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].first, "data");
  EXPECT_EQ(heard[0].second["payload"]["__mod"], "mute");
  EXPECT_EQ(heard[0].second["to"], "b");
  EXPECT_EQ(heard[1].first, "offer");
  EXPECT_EQ(heard[1].second["to"], "__sfu__");
  EXPECT_EQ(heard[1].second["body"], "v=0");
}

}  // namespace
}  // namespace sluice
