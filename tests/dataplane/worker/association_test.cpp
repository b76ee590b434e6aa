// Where the DTLS association of a transport stands with the handshaker, seen through the worker's messages.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "schemas/events_generated.h"
#include "tests/sim/commands.hpp"
#include "tests/sim/sim_surroundings.hpp"
#include "tests/sim/stun_request.hpp"

namespace sluice {
namespace {

using schema::FailureReason;
using schema::HandshakeBody;
using schema::TransportState;
using std::chrono::milliseconds;

class Handshakes final : public HandshakeSink {
 public:
  bool send(Bytes message) noexcept override {
    if (full) return false;
    const auto* root = flatbuffers::GetRoot<schema::Handshake>(message.data());
    kinds.push_back(root->body_type());
    if (const auto* open = root->body_as_HandshakeOpen()) {
      role = open->role();
      fingerprint = *open->fingerprint()->begin();
    }
    return true;
  }
  [[nodiscard]] std::size_t count(HandshakeBody kind) const {
    return static_cast<std::size_t>(std::count(kinds.begin(), kinds.end(), kind));
  }
  bool full = false;
  std::vector<HandshakeBody> kinds;
  int role = -1, fingerprint = -1;
};

class CountingSink final : public DatagramSink {
 public:
  PacketBuffer acquire() noexcept override { return pool.acquire(); }
  void send(const Tuple& to, PacketBuffer) noexcept override { sent.push_back(to); }
  PacketPool pool{64};
  std::vector<Tuple> sent;
};

struct AssociationTest : testing::Test {
  AssociationTest() { program(wish()); }

  static sim::TransportWish wish() { return {id, "frag", std::string(24, 'p'), "peer", {}, 1, 0}; }
  void program(const sim::TransportWish& w) {
    core.handle_command(now, sim::begin(++generation, false).get());
    core.handle_command(now, sim::command(w).get());
    core.handle_command(now, sim::commit(generation).get());
  }
  void check(bool nominate = true) {
    auto request = sim::stun_request("frag:peer", std::string(24, 'p'), ++checks, nominate);
    core.handle_datagram(now, tuple, request);
  }
  void dtls() {
    std::vector<std::byte> datagram(60, std::byte{0});
    datagram[0] = std::byte{22};
    datagram[1] = std::byte{0xfe};
    datagram[12] = std::byte{60 - 13};
    core.handle_datagram(now, tuple, datagram);
  }
  void pass(Duration duration) {
    const TimePoint end = now + duration;
    while (core.next_deadline() <= end) {
      now = std::max(now, core.next_deadline());
      core.handle_timeout(now);
    }
    now = end;
  }
  void receive(const std::function<flatbuffers::Offset<schema::Handshake>(flatbuffers::FlatBufferBuilder&)>& make) {
    flatbuffers::FlatBufferBuilder b;
    b.Finish(make(b));
    core.handle_handshake(now, *flatbuffers::GetRoot<schema::Handshake>(b.GetBufferPointer()));
  }
  void done(unsigned seed = 1, std::size_t size = 28, TransportId whose = id) {
    receive([&](auto& b) {
      const auto local = b.CreateVector(std::vector<std::uint8_t>(size, static_cast<std::uint8_t>(seed)));
      const auto remote = b.CreateVector(std::vector<std::uint8_t>(size, static_cast<std::uint8_t>(seed + 100)));
      const auto profile = static_cast<std::uint16_t>(SrtpProfile::aead_aes_128_gcm);
      const auto body = schema::CreateHandshakeDone(b, whose.packed(), profile, local, remote);
      return schema::CreateHandshake(b, HandshakeBody::HandshakeDone, body.Union());
    });
  }
  void failed(std::uint8_t reason) {
    receive([&](auto& b) {
      return schema::CreateHandshake(b, HandshakeBody::HandshakeFailed,
                                     schema::CreateHandshakeFailed(b, id.packed(), reason).Union());
    });
  }
  void failed(FailureReason reason) { failed(static_cast<std::uint8_t>(reason)); }
  void handshaker_started() {
    receive([&](auto& b) {
      return schema::CreateHandshake(b, HandshakeBody::HandshakerStarted, schema::CreateHandshakerStarted(b, 2).Union());
    });
  }
  void handshaker_sends() {
    receive([&](auto& b) {
      const auto bytes = b.CreateVector(std::vector<std::uint8_t>(30, 22));
      return schema::CreateHandshake(b, HandshakeBody::HandshakeSend,
                                     schema::CreateHandshakeSend(b, id.packed(), bytes).Union());
    });
  }
  TransportState state() {
    core.handle_timeout(now);
    return memory.live->transports.read(id)->state;
  }
  FailureReason reason() { return memory.live->transports.read(id)->reason; }
  [[nodiscard]] std::size_t opens() const { return handshakes.count(HandshakeBody::HandshakeOpen); }
  [[nodiscard]] std::uint64_t counter(Counter c) const { return memory.counters->get(c); }

  static constexpr TransportId id{3, 1};
  const Tuple tuple{SocketAddress::from_ipv4({10, 0, 0, 1}, 4000), 0};
  TimePoint now{std::chrono::seconds(50)};
  sim::WorkerMemory memory{1, 8};
  Handshakes handshakes;
  CountingSink sink;
  std::uint64_t generation = 0;
  std::uint32_t checks = 0;
  WorkerCore core{WorkerSurroundings{.recovery = {memory.transports, memory.publications, memory.subscriptions},
                                     .live = *memory.live,
                                     .counters = *memory.counters,
                                     .entropy = memory.entropy,
                                     .datagrams = sink,
                                     .events = memory.messages,
                                     .handshakes = handshakes,
                                     .incarnation = 1}};
};

TEST_F(AssociationTest, OpensWithTheFirstProvenTuple) {
  dtls();
  EXPECT_EQ(opens(), 0U) << "no check came";
  EXPECT_EQ(counter(Counter::drop_dtls_not_validated), 1U);
  EXPECT_EQ(state(), TransportState::waiting);
  check();
  EXPECT_EQ(opens(), 1U);
  EXPECT_EQ(handshakes.role, 0);
  EXPECT_EQ(handshakes.fingerprint, 1);
  EXPECT_EQ(state(), TransportState::dtls_connecting);
  check();
  dtls();
  EXPECT_EQ(opens(), 1U);
  EXPECT_EQ(handshakes.count(HandshakeBody::HandshakeDatagram), 1U);
  done();
  EXPECT_EQ(state(), TransportState::connected);
  EXPECT_EQ(counter(Counter::handshakes_done), 1U);
}

TEST_F(AssociationTest, RepeatsAnOpenThatFoundNoRoom) {
  handshakes.full = true;
  check();
  EXPECT_EQ(state(), TransportState::ice_connected);
  dtls();
  EXPECT_EQ(counter(Counter::drop_dtls_over_budget), 1U) << "nobody would take it";
  pass(milliseconds(120));
  EXPECT_EQ(counter(Counter::handshakes_started), 0U);
  handshakes.full = false;
  pass(milliseconds(60));
  EXPECT_EQ(opens(), 1U);
  EXPECT_EQ(state(), TransportState::dtls_connecting);
  pass(milliseconds(500));
  EXPECT_EQ(opens(), 1U);
}

TEST_F(AssociationTest, AFailureResetsTheAttemptAndALaterOneMayHealIt) {
  check();
  failed(FailureReason::fingerprint_mismatch);
  EXPECT_EQ(state(), TransportState::failed);
  EXPECT_EQ(reason(), FailureReason::fingerprint_mismatch);
  EXPECT_EQ(counter(Counter::handshakes_failed), 1U);
  dtls();
  EXPECT_EQ(opens(), 1U) << "not at once: a peer cannot keep the handshaker busy";
  now += std::chrono::seconds(1);
  dtls();
  EXPECT_EQ(opens(), 2U);
  EXPECT_EQ(state(), TransportState::dtls_connecting);
  done();
  EXPECT_EQ(state(), TransportState::connected);
}

TEST_F(AssociationTest, AFailureBesideWorkingKeysTakesNothingAway) {
  check();
  done();
  failed(FailureReason::handshake_timeout);
  EXPECT_EQ(state(), TransportState::connected);
}

TEST_F(AssociationTest, AReasonThatHasNoNumberIsAPlainFailure) {
  check();
  failed(std::uint8_t{200});
  EXPECT_EQ(state(), TransportState::failed);
  EXPECT_EQ(reason(), FailureReason::dtls_failed);
}

TEST_F(AssociationTest, ClosedIsFinal) {
  check();
  done();
  failed(FailureReason::dtls_closed);
  EXPECT_EQ(state(), TransportState::closed);
  EXPECT_EQ(reason(), FailureReason::dtls_closed);
  EXPECT_FALSE(memory.transports[id.slot].sealer.keys.usable()) << "wiped";
  const auto before = handshakes.kinds.size();
  now += std::chrono::seconds(5);
  dtls();
  check();
  done(7);
  handshaker_started();
  failed(FailureReason::dtls_failed);
  failed(FailureReason::dtls_closed);
  EXPECT_EQ(handshakes.kinds.size(), before);
  EXPECT_EQ(state(), TransportState::closed);
  EXPECT_FALSE(memory.transports[id.slot].sealer.keys.usable());
}

TEST_F(AssociationTest, AnotherCertificateMakesAClosedTransportWorkAgain) {
  check();
  done();
  failed(FailureReason::dtls_closed);
  sim::TransportWish w = wish();
  w.fingerprint = 2;
  program(w);
  EXPECT_EQ(opens(), 2U);
  EXPECT_EQ(handshakes.fingerprint, 2);
  EXPECT_EQ(state(), TransportState::dtls_connecting);
}

TEST_F(AssociationTest, ANewHandshakerIsToldWhatIsNotDone) {
  handshaker_started();
  EXPECT_EQ(opens(), 0U) << "nothing was asked for";
  check();
  handshaker_started();
  EXPECT_EQ(opens(), 2U);
  done();
  handshaker_started();
  EXPECT_EQ(opens(), 2U) << "keys are here: nothing to do";
  EXPECT_EQ(state(), TransportState::connected);
}

TEST_F(AssociationTest, ANewHandshakerIsAlsoToldWhatTheOldOneHadNoRoomFor) {
  handshakes.full = true;
  check();
  handshakes.full = false;
  handshaker_started();
  EXPECT_EQ(opens(), 1U);
  pass(milliseconds(200));
  EXPECT_EQ(opens(), 1U) << "and not once more";
}

TEST_F(AssociationTest, TheSameKeysAgainChangeNothingAndOthersReplaceThem) {
  check();
  done(1);
  const std::size_t events = memory.messages.events.size();
  done(1);
  EXPECT_EQ(counter(Counter::handshakes_done), 1U);
  EXPECT_EQ(memory.messages.events.size(), events);
  done(2);
  EXPECT_EQ(counter(Counter::handshakes_done), 2U);
  EXPECT_EQ(state(), TransportState::connected);
}

TEST_F(AssociationTest, KeysThatCannotBeAreAFailure) {
  check();
  done(1, 27);
  EXPECT_EQ(state(), TransportState::failed);
  EXPECT_EQ(reason(), FailureReason::dtls_failed);
}

TEST_F(AssociationTest, MessagesAboutAnotherIncarnationAreDropped) {
  check();
  done(1, 28, TransportId{3, 2});
  done(1, 28, TransportId{3, 0});
  done(1, 28, TransportId{4'000'000'000U, 1});
  EXPECT_EQ(state(), TransportState::dtls_connecting);
}

TEST_F(AssociationTest, AnswersGoToWhereDtlsCameFromUntilATupleIsNominated) {
  check(false);
  const auto replies = sink.sent.size();
  handshaker_sends();
  EXPECT_EQ(sink.sent.size(), replies) << "nowhere to";
  dtls();
  handshaker_sends();
  ASSERT_EQ(sink.sent.size(), replies + 1);
  EXPECT_EQ(sink.sent.back(), tuple);
}

TEST_F(AssociationTest, DtlsOfOnePeerHasABudgetPerSecond) {
  check();
  for (int i = 0; i < 100; ++i) dtls();
  EXPECT_EQ(handshakes.count(HandshakeBody::HandshakeDatagram), 64U);
  EXPECT_EQ(counter(Counter::drop_dtls_over_budget), 36U);
  now += std::chrono::seconds(1);
  dtls();
  EXPECT_EQ(handshakes.count(HandshakeBody::HandshakeDatagram), 65U);
}

TEST_F(AssociationTest, JunkInThePeersNameDoesNotUseUpItsBudget) {
  check();
  std::vector<std::byte> junk(60, std::byte{0});
  junk[0] = std::byte{22};
  for (int i = 0; i < 1000; ++i) core.handle_datagram(now, tuple, junk);
  EXPECT_EQ(counter(Counter::drop_dtls_malformed), 1000U);
  EXPECT_EQ(handshakes.count(HandshakeBody::HandshakeDatagram), 0U);
  dtls();
  EXPECT_EQ(handshakes.count(HandshakeBody::HandshakeDatagram), 1U);
}

TEST_F(AssociationTest, ARemovedTransportIsClosedAtTheHandshaker) {
  check();
  core.handle_command(now, sim::begin(++generation, false).get());
  core.handle_command(now, sim::removal(schema::EntityKind::transport, id.packed()).get());
  core.handle_command(now, sim::commit(generation).get());
  EXPECT_EQ(handshakes.count(HandshakeBody::HandshakeClose), 1U);
  done();
  dtls();
  EXPECT_EQ(counter(Counter::drop_dtls_not_validated), 1U);
}

}  // namespace
}  // namespace sluice
