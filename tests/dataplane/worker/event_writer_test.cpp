#include "dataplane/worker/event_writer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "schemas/events_generated.h"
#include "schemas/handshake_generated.h"

namespace sluice {
namespace {

class Sinks final : public EventSink, public HandshakeSink {
 public:
  bool emit(Bytes event) noexcept override { return keep(event); }
  bool send(Bytes message) noexcept override { return keep(message); }
  template <typename Root>
  const Root& last() const {
    flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(kept.back().data()), kept.back().size());
    EXPECT_TRUE(verifier.VerifyBuffer<Root>());
    return *flatbuffers::GetRoot<Root>(kept.back().data());
  }
  bool full = false;
  std::vector<std::vector<std::byte>> kept;

 private:
  bool keep(Bytes message) {
    if (!full) kept.emplace_back(message.begin(), message.end());
    return !full;
  }
};

struct WriterTest : testing::Test {
  std::unique_ptr<CounterBlock> counters = std::make_unique<CounterBlock>();
  Sinks sinks;
  EventWriter events{sinks, *counters};
  HandshakeWriter handshakes{sinks, *counters};
};

TEST_F(WriterTest, EventsSayWhatHappenedAndPassTheVerifier) {
  events.transport_changed({3, 9}, TransportPhase::disconnected, TransportReason::consent_expired);
  const auto* transport = sinks.last<schema::Event>().body_as_TransportChanged();
  ASSERT_NE(transport, nullptr);
  EXPECT_EQ(TransportId::unpack(transport->id()), (TransportId{3, 9}));
  EXPECT_EQ(transport->state(), schema::TransportState::disconnected);
  EXPECT_EQ(transport->reason(), schema::FailureReason::consent_expired);

  events.publication_changed({4, 1}, 5);
  const auto* publication = sinks.last<schema::Event>().body_as_PublicationChanged();
  ASSERT_NE(publication, nullptr);
  EXPECT_EQ(publication->active_layers(), 5);

  events.subscription_changed({5, 2}, 255);
  const auto* subscription = sinks.last<schema::Event>().body_as_SubscriptionChanged();
  ASSERT_NE(subscription, nullptr);
  EXPECT_EQ(subscription->current_layer(), 255);

  events.generation_applied(1ULL << 40U);
  ASSERT_NE(sinks.last<schema::Event>().body_as_GenerationApplied(), nullptr);
  EXPECT_EQ(sinks.last<schema::Event>().body_as_GenerationApplied()->generation(), 1ULL << 40U);

  events.snapshot_wanted(7, 8);
  const auto* snapshot = sinks.last<schema::Event>().body_as_SnapshotWanted();
  ASSERT_NE(snapshot, nullptr);
  EXPECT_EQ(snapshot->incarnation(), 7U);
  EXPECT_EQ(snapshot->refused_generation(), 8U);
  EXPECT_EQ(counters->get(Counter::events_dropped), 0U);
}

TEST_F(WriterTest, AnEventWithoutRoomIsCountedAndTheNextOneIsWhole) {
  sinks.full = true;
  events.generation_applied(1);
  EXPECT_EQ(counters->get(Counter::events_dropped), 1U);
  sinks.full = false;
  events.generation_applied(2);
  ASSERT_EQ(sinks.kept.size(), 1U);
  EXPECT_EQ(sinks.last<schema::Event>().body_as_GenerationApplied()->generation(), 2U);
}

TEST_F(WriterTest, HandshakeMessagesTellWhetherTheyWereTaken) {
  const std::vector<std::byte> bytes(32, std::byte{7});
  EXPECT_TRUE(handshakes.open({1, 2}, DtlsRole::client, bytes));
  const auto* open = sinks.last<schema::Handshake>().body_as_HandshakeOpen();
  ASSERT_NE(open, nullptr);
  EXPECT_EQ(TransportId::unpack(open->transport()), (TransportId{1, 2}));
  EXPECT_EQ(open->role(), 1);
  EXPECT_EQ(open->fingerprint()->size(), 32U);

  EXPECT_TRUE(handshakes.datagram({1, 2}, Bytes(bytes).first(3)));
  ASSERT_NE(sinks.last<schema::Handshake>().body_as_HandshakeDatagram(), nullptr);
  EXPECT_EQ(sinks.last<schema::Handshake>().body_as_HandshakeDatagram()->bytes()->size(), 3U);

  sinks.full = true;
  EXPECT_FALSE(handshakes.close({1, 2}));
  EXPECT_FALSE(handshakes.datagram({1, 2}, bytes));
  EXPECT_EQ(counters->get(Counter::handshake_messages_dropped), 2U);
  sinks.full = false;
  EXPECT_TRUE(handshakes.close({1, 2}));
  EXPECT_NE(sinks.last<schema::Handshake>().body_as_HandshakeClose(), nullptr);
}

}  // namespace
}  // namespace sluice
