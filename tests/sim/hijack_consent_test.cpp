// To whom the worker sends, and for how long. RFC 8445 and 8489 do not forbid an agent to take a check that was recorded and
// sent again, from whatever address: nothing in it says when or from where it was sent. A full agent would ask the new
// address by a check of its own; a lite agent has only the peer's checks. So the agent remembers the transactions it took
// (IceState::transactions): a replay is dropped from an address that is not proven, answered without effect from one that
// is, and never prolongs consent (RFC 7675 section 5.1 counts for a lite agent from the peer's fresh checks).
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/hostile_scene.hpp"
#include "tests/sim/hostile_stun.hpp"

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Consent : public testing::Test {
 protected:
  Consent() {
    scene.world.tap = [this](bool up, const Tuple& to, Bytes bytes) {
      if (!up) sent.push_back({to, std::to_integer<unsigned>(bytes[0]) < 4});
    };
  }
  void give(const Tuple& from, Packet bytes) {
    scene.world.core.handle_datagram(scene.world.now, from, bytes);
    scene.world.core.flush(scene.world.now);
  }
  HostileStun check(std::uint32_t id, bool nominate) const {
    HostileStun stun;
    stun.username = scene.alice.setup.ufrag + ":peer";
    stun.password = scene.alice.setup.pwd;
    stun.id = id;
    stun.nominate = nominate;
    return stun;
  }
  [[nodiscard]] std::size_t sent_to(const Tuple& to, bool stun) const {
    return static_cast<std::size_t>(
        std::count_if(sent.begin(), sent.end(), [&](const auto& s) { return s.first == to && s.second == stun; }));
  }
  [[nodiscard]] TransportPhase phase() const { return scene.record(scene.alice).phase; }
  /// Alice sends media and reports as ever, but no checks.
  void stop_checks() { scene.alice.start(never); }
  void start_checks() { scene.alice.start(scene.world.now); }

  HostileScene scene{true};
  std::vector<std::pair<Tuple, bool>> sent;
  const Tuple& home = scene.alice.setup.tuple;
};

TEST_F(Consent, MediaIsNoConsent) {
  stop_checks();
  scene.world.run_for(seconds(27));
  EXPECT_EQ(phase(), TransportPhase::connected);
  scene.world.run_for(seconds(4));
  ASSERT_EQ(phase(), TransportPhase::disconnected) << "her SRTP and SRTCP came all the time";
  sent.clear();
  scene.world.run_for(seconds(5));
  EXPECT_EQ(sent_to(home, false), 0U);
  EXPECT_GT(sent_to(scene.bob.setup.tuple, false), 100U) << "what she publishes still reaches others";
  start_checks();
  scene.world.run_for(seconds(2));
  EXPECT_EQ(phase(), TransportPhase::connected);
  EXPECT_GT(sent_to(home, false), 100U);
}

TEST_F(Consent, RecordedChecksAreNoConsent) {
  stop_checks();
  const auto checks = scene.recorded(scene.alice, HostileScene::Kind::stun);
  ASSERT_FALSE(checks.empty());
  for (int i = 0; i < 31; ++i) {
    for (const Packet& packet : checks) {
      give(home, packet);            // spoofed: answered, to her, like a retransmission
      give(scene.stranger, packet);  // not answered
    }
    scene.world.run_for(seconds(1));
  }
  EXPECT_EQ(phase(), TransportPhase::disconnected);
  EXPECT_EQ(sent_to(home, true), 31 * checks.size());
  EXPECT_EQ(sent_to(scene.stranger, true) + sent_to(scene.stranger, false), 0U);
  sent.clear();
  for (const Packet& packet : checks) give(home, packet);
  scene.world.run_for(seconds(1));
  EXPECT_EQ(phase(), TransportPhase::disconnected) << "a recorded check gave consent back";
  EXPECT_EQ(sent_to(home, false), 0U);
}

TEST_F(Consent, ThePeerItselfMovesAndOnlyByNominating) {
  Tuple away = home;
  away.remote = SocketAddress::from_ipv4({203, 0, 113, 9}, 4321);
  give(away, check(1, false).bytes());
  scene.world.run_for(milliseconds(500));
  EXPECT_EQ(sent_to(away, true), 1U);
  EXPECT_EQ(sent_to(away, false), 0U) << "media before the nomination";
  EXPECT_GT(sent_to(home, false), 10U);
  stop_checks();
  give(away, check(2, true).bytes());
  sent.clear();
  scene.world.watching = false;  // its bookkeeping goes by address
  scene.world.run_for(milliseconds(500));
  EXPECT_GT(sent_to(away, false), 10U);
  EXPECT_EQ(sent_to(home, false), 0U);
  // What an attacker recorded of the way back then has no effect, from either address.
  for (const Packet& packet : scene.recorded(scene.alice, HostileScene::Kind::stun)) give(home, packet);
  sent.clear();
  scene.world.run_for(milliseconds(500));
  EXPECT_GT(sent_to(away, false), 10U);
  EXPECT_EQ(sent_to(home, false), 0U);
}

TEST_F(Consent, ARestartEndsWhatWasRecordedBefore) {
  TransportWish wish = scene.world.transport_of(scene.alice);
  wish.ufrag = "newfrag";
  wish.pwd = "another-password-of-22-chars";
  scene.world.program(wish);
  give(home, check(10, true).bytes());  // the old ones are good until the new ones were seen
  EXPECT_EQ(sent_to(home, true), 1U);
  HostileStun fresh = check(11, true);
  fresh.username = "newfrag:peer";
  fresh.password = wish.pwd;
  give(home, fresh.bytes());
  EXPECT_EQ(sent_to(home, true), 2U);
  const auto before = scene.world.counter(Counter::drop_stun_bad_integrity);
  give(home, check(12, true).bytes());
  EXPECT_EQ(sent_to(home, true), 2U);
  EXPECT_EQ(scene.world.counter(Counter::drop_stun_bad_integrity), before + 1);
}

TEST_F(Consent, AnAuthenticErrorReplyIsNoLargerThanItsRequestAndTeachesNothing) {
  HostileStun conflict = check(20, true);
  conflict.controlled = true;
  HostileStun odd = check(21, true);
  odd.unknown = 0x7123;
  std::vector<std::size_t> sizes;
  scene.world.tap = [&](bool up, const Tuple& to, Bytes bytes) {
    if (!up && to == scene.stranger) sizes.push_back(bytes.size());
  };
  const Image before = Image::of(scene.world);
  give(scene.stranger, conflict.bytes());
  give(scene.stranger, odd.bytes());
  ASSERT_EQ(sizes.size(), 2U);
  EXPECT_LE(sizes[0], conflict.bytes().size());
  EXPECT_LE(sizes[1], odd.bytes().size());
  EXPECT_EQ(before.difference(Image::of(scene.world)), "something was sent; ");
}

TEST_F(Consent, AfterTheEndOfTheAssociationNothingIsSent) {
  flatbuffers::FlatBufferBuilder b;
  const auto failed = schema::CreateHandshakeFailed(b, scene.alice.setup.id.packed(),
                                                    static_cast<std::uint8_t>(TransportReason::dtls_closed));
  b.Finish(schema::CreateHandshake(b, schema::HandshakeBody::HandshakeFailed, failed.Union()));
  scene.world.core.handle_handshake(scene.world.now, *flatbuffers::GetRoot<schema::Handshake>(b.GetBufferPointer()));
  ASSERT_EQ(phase(), TransportPhase::closed);
  sent.clear();
  scene.world.run_for(seconds(5));  // she checks and sends on: her checks are answered, that is all
  EXPECT_EQ(sent_to(home, false), 0U);
  EXPECT_GT(sent_to(home, true), 1U);
  EXPECT_EQ(phase(), TransportPhase::closed);
}

/// Walks that a claim could make long, on streams that the peer does receive.
TEST_F(Consent, AnAbsurdClaimAboutOnesOwnStreamCostsBoundedWork) {
  SimWorld& world = scene.world;
  const std::uint32_t own = scene.call.wish(0, 1, true).ssrc;
  Packet nack(12 + 350 * 4, std::byte{0xff});  // 350 pairs, 5,950 numbers
  nack[0] = std::byte{0x81};
  nack[1] = std::byte{205};
  store_u16(nack, 2, static_cast<std::uint16_t>(nack.size() / 4 - 1));
  store_u32(nack, 4, 78);
  store_u32(nack, 8, own);
  const auto asked = world.counter(Counter::nacks_received);
  const auto resent = world.counter(Counter::rtx_sent);
  give(home, scene.rtcp(scene.alice, nack));
  EXPECT_EQ(world.counter(Counter::nacks_received), asked + 256);
  EXPECT_LE(world.counter(Counter::rtx_sent), resent + 1);

  // A report from the future, with a delay that would make the round trip negative.
  Packet report(32, std::byte{0xff});
  report[0] = std::byte{0x81};
  report[1] = std::byte{201};
  store_u16(report, 2, 7);
  store_u32(report, 4, 78);
  store_u32(report, 8, own);
  give(home, scene.rtcp(scene.alice, report));
  sent.clear();
  world.run_for(seconds(1));
  EXPECT_GT(sent_to(home, false), 50U) << "the stream goes on";
}

}  // namespace
}  // namespace sluice::sim
