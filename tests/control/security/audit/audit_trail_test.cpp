// The entries of contract section 25, for what happens in rooms.
#include "control/security/audit/audit_trail.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/seeded_entropy.hpp"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

struct Trail : ::testing::Test {
  Trail() {
    log.on_entry([this](const std::string& line) { entries.push_back(Json::parse(line)); });
  }
  Json entry(const std::string& event) {
    for (const Json& one : entries) {
      if (one["event"] == event) return one;
    }
    ADD_FAILURE() << "no " << event;
    return {};
  }
  PeerId join(const Metadata& metadata = {}) {
    const PeerId peer = rooms.connect("native", "192.0.2.1");
    rooms.join(peer, RoomId("r"), metadata, TimePoint{}, [](const JoinOutcome&, TimePoint) {});
    return peer;
  }
  Bus bus;
  test::SeededEntropy entropy;
  Rooms rooms{bus, entropy, {}, [](TimePoint) { return std::int64_t{0}; }};
  StateLog journal = *StateLog::open(*Region::create("trail", std::size_t{1} << 20U));
  AuditLog log{{}, journal, [] { return std::int64_t{7}; }};
  AuditTrail trail{rooms, bus, log};
  std::vector<Json> entries;
};

TEST_F(Trail, a_stay_in_a_room) {
  const PeerId peer = join();
  rooms.suspend(peer, TimePoint{});
  rooms.resume(peer);
  rooms.leave(peer, LeaveCause::left);
  const Json connected = entry("peer:connected");
  EXPECT_EQ(connected["ts"], 7);
  EXPECT_EQ(connected["service"], "webrtc-rooms");
  EXPECT_EQ(connected["peerId"], peer.value);
  EXPECT_EQ(connected["ip"], "192.0.2.1");
  const Json joined = entry("peer:joined");
  EXPECT_EQ(joined["roomId"], "r");
  EXPECT_EQ(joined["sub"], nullptr);
  EXPECT_EQ(joined["role"], "unknown");
  EXPECT_EQ(joined["caps"], Json::array());
  EXPECT_EQ(joined["ip"], "192.0.2.1");
  EXPECT_EQ(entry("peer:reconnected")["ip"], "192.0.2.1");
  EXPECT_EQ(entry("peer:left")["roomId"], "r");
  EXPECT_EQ(entry("peer:left")["ip"], "192.0.2.1");
  EXPECT_EQ(entry("room:created")["roomId"], "r");
  EXPECT_EQ(entry("room:destroyed")["roomId"], "r");
}

TEST_F(Trail, what_the_policy_says_of_a_peer) {
  struct Step final : AdmissionStep {
    AdmissionStage stage() const override { return AdmissionStage::policy; }
    void decide(const AdmissionRequest& request, AdmissionReply reply) override {
      Admit admit;
      admit.edits.append("__sub", R"("alice")");
      admit.edits.append("__role", R"("moderator")");
      admit.edits.append("__caps", R"(["publish"])");
      reply(admit, request.now);
    }
  } step;
  rooms.add_admission_step(step);
  (void)join();
  const Json joined = entry("peer:joined");
  EXPECT_EQ(joined["sub"], "alice");
  EXPECT_EQ(joined["role"], "moderator");
  EXPECT_EQ(joined["caps"], Json::array({"publish"}));
}

TEST_F(Trail, refusals_kicks_threats_and_bans) {
  struct Step final : AdmissionStep {
    AdmissionStage stage() const override { return AdmissionStage::user_hook; }
    void decide(const AdmissionRequest& request, AdmissionReply reply) override {
      if (refuse) return reply(Refuse{"JOIN_REJECTED", "not today", {}, {}}, request.now);
      reply(Admit{}, request.now);
    }
    bool refuse = true;
  } step;
  rooms.add_admission_step(step);
  (void)join();
  EXPECT_EQ(entry("join:rejected")["reason"], "not today");
  EXPECT_EQ(entry("join:rejected")["ip"], "192.0.2.1");
  step.refuse = false;
  const PeerId peer = join();
  (void)rooms.kick(peer, "rude", "moderator-id");
  EXPECT_EQ(entry("peer:kicked")["reason"], "rude");
  EXPECT_EQ(entry("peer:kicked")["by"], "moderator-id");
  bus.publish(ThreatDetected{ThreatLevel::ban, "room_cycling", peer, "192.0.2.1"});
  EXPECT_EQ(entry("threat")["threat"], "room_cycling");
  EXPECT_EQ(entry("threat")["level"], "ban");
  bus.publish(AddressBanned{"192.0.2.1", 99, false});
  EXPECT_EQ(entry("ban")["until"], 99);
  bus.publish(AddressUnbanned{"192.0.2.1", false});
  EXPECT_EQ(entry("unban")["ip"], "192.0.2.1");
}

TEST_F(Trail, names_that_clients_choose_cannot_add_members) {
  const PeerId peer = rooms.connect("native", "192.0.2.1");
  rooms.join(peer, RoomId("r\",\"event\":\"forged\",\"x\":\"\n"), {}, TimePoint{}, [](const JoinOutcome&, TimePoint) {});
  EXPECT_EQ(entry("peer:joined")["roomId"], "r\",\"event\":\"forged\",\"x\":\"\n");
  for (const Json& one : entries) EXPECT_NE(one["event"], "forged");
}

}  // namespace
}  // namespace sluice
