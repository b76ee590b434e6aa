#include <gtest/gtest.h>

#include <vector>

#include "dataplane/handshaker/handshaker_core.hpp"
#include "shm/channel/message_rules.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr WorkerId old_worker{0};
constexpr WorkerId new_worker{1};
constexpr TransportId before{.slot = 1, .incarnation = 3};
constexpr TransportId after{.slot = 9, .incarnation = 5};

const DtlsContext& context() {
  static const Certificate certificate = Certificate::generate(std::chrono::sys_seconds(1'760'000'000s));
  static const DtlsContext made{certificate};
  return made;
}

/// What one handshaker tells its workers, of associations in the client's role: those begin by themselves.
class HandshakeMoveTest : public ::testing::Test, public HandshakerSink {
 protected:
  HandshakeMoveTest() {
    core.add_worker(now, old_worker);
    core.add_worker(now, new_worker);
  }
  bool deliver(WorkerId worker, Bytes bytes) noexcept override {
    const std::vector<std::byte> message(bytes.begin(), bytes.end());
    const schema::Handshake* root = verified_handshake(message);
    if (root != nullptr && root->body_as_HandshakeSend() != nullptr)
      sends.emplace_back(worker, TransportId::unpack(root->body_as_HandshakeSend()->transport()));
    return true;
  }
  template <typename Body>
  void say(WorkerId worker, flatbuffers::Offset<Body> body) {
    builder.Finish(schema::CreateHandshake(builder, schema::HandshakeBodyTraits<Body>::enum_value, body.Union()));
    core.handle_message(now, worker, *schema::GetHandshake(builder.GetBufferPointer()));
    builder.Clear();
  }
  void open(WorkerId worker, TransportId transport, std::uint8_t fingerprint = 7) {
    const std::vector<std::uint8_t> bytes(32, fingerprint);
    const auto vector = builder.CreateVector(bytes);
    say(worker,
        schema::CreateHandshakeOpen(builder, transport.packed(), static_cast<std::uint8_t>(DtlsRole::client), vector));
  }
  void open_server(WorkerId worker, TransportId transport) {
    const std::vector<std::uint8_t> bytes(32, 7);
    const auto vector = builder.CreateVector(bytes);
    say(worker,
        schema::CreateHandshakeOpen(builder, transport.packed(), static_cast<std::uint8_t>(DtlsRole::server), vector));
  }
  void move(WorkerId worker, TransportId transport, WorkerId to_worker, TransportId to) {
    say(worker, schema::CreateHandshakeMove(builder, transport.packed(), to_worker.value, to.packed()));
  }
  /// Lets retransmission timers pass; who is told to send again has the association.
  void resend() {
    sends.clear();
    now += 3s;
    core.handle_timeout(now);
  }

  TimePoint now{10s};
  flatbuffers::FlatBufferBuilder builder;
  std::vector<std::pair<WorkerId, TransportId>> sends;
  HandshakerCore core{context(), *this, 77};
};

TEST_F(HandshakeMoveTest, TheNewWorkerGoesOnWhicheverSpeaksFirst) {
  for (const bool opened_first : {false, true}) {
    const TransportId here{before.slot, before.incarnation + (opened_first ? 1U : 0U)};
    const TransportId there{after.slot + (opened_first ? 1U : 0U), 1};
    open(old_worker, here);
    ASSERT_FALSE(sends.empty());
    if (opened_first) {
      // A server's association is only made with the first datagram; a client's would begin at once and stay.
      move(old_worker, here, new_worker, there);
      open(new_worker, there);
    } else {
      move(old_worker, here, new_worker, there);
    }
    resend();
    ASSERT_FALSE(sends.empty());
    for (const auto& [worker, transport] : sends) EXPECT_EQ(worker, new_worker);
    EXPECT_EQ(core.counters().started, opened_first ? 2U : 1U) << "no handshake began anew";
  }
}

TEST_F(HandshakeMoveTest, OneThatIsOpenAndWaitsTakesIt) {
  open_server(old_worker, before);
  open_server(new_worker, after);
  const std::size_t count = core.association_count();
  move(old_worker, before, new_worker, after);
  EXPECT_EQ(core.association_count(), count - 1);
}

TEST_F(HandshakeMoveTest, AnotherWorkersAssociationIsNotPushedAside) {
  open(new_worker, after, 8);
  open(old_worker, before);
  move(old_worker, before, new_worker, after);                                // another fingerprint
  move(old_worker, before, new_worker, {after.slot, after.incarnation + 1});  // gone by now
  resend();
  ASSERT_FALSE(sends.empty());
  for (const auto& [worker, transport] : sends) EXPECT_EQ(std::pair(worker, transport), std::pair(new_worker, after));
  // What comes unasked to an empty slot does not keep its worker from opening what it likes.
  open(old_worker, before);
  move(old_worker, before, new_worker, {30, 1'000'000});
  open(new_worker, {30, 1});
  resend();
  bool opened = false;
  for (const auto& [worker, transport] : sends) opened = opened || transport == TransportId{30, 1};
  EXPECT_TRUE(opened);
}

TEST_F(HandshakeMoveTest, NonsenseIsCounted) {
  open(old_worker, before);
  const std::uint64_t malformed = core.counters().malformed;
  move(old_worker, before, WorkerId{9}, after);
  move(old_worker, before, old_worker, after);
  move(old_worker, before, new_worker, {});
  EXPECT_EQ(core.counters().malformed, malformed + 3);
  move(old_worker, {7, 7}, new_worker, after);
  EXPECT_EQ(core.association_count(), 1U);
}

}  // namespace
}  // namespace sluice
