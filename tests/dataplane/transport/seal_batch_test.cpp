#include "dataplane/transport/seal_batch.hpp"

#include <gtest/gtest.h>

#include "tests/dataplane/transport/transport_rig.hpp"

namespace sluice::transport_test {
namespace {

struct SealBatchTest : testing::Test {
  SealBatchTest() { EXPECT_TRUE(sealer.set_keys(*SrtpKeys::from_key_salt(SrtpProfile::aead_aes_128_gcm, key_salt(1)))); }
  /// A packet of three bytes (header, prefix, payload) whose payload is `value`; false when there was no place.
  bool add(std::uint8_t value, std::uint32_t to = 0) {
    SealBatch::Slot* slot = rig.batch.begin(tuple_of(to));
    if (slot == nullptr) return false;
    slot->header[0] = std::byte{0x80};
    slot->prefix[0] = std::byte{0x11};
    payloads.push_back(std::make_unique<std::byte>(std::byte{value}));
    rig.batch.commit(std::move(*sender.claim({next++})), 1, 1, Bytes(payloads.back().get(), 1));
    return true;
  }
  TransportRig rig;
  SrtpSealerState sealer_state;
  SrtpSealer sealer{sealer_state, rig.backend};
  SrtpSenderState sender_state;
  SrtpSender sender{sender_state, sealer, Ssrc{5}};
  std::vector<std::unique_ptr<std::byte>> payloads;
  std::int64_t next = 100;
};

TEST_F(SealBatchTest, SealsEverythingInOneCallAndSendsInOrder) {
  for (std::uint8_t i = 0; i < 10; ++i) ASSERT_TRUE(add(i, i));
  EXPECT_TRUE(rig.sink.sent.empty()) << "nothing before flush";
  rig.batch.flush();
  EXPECT_EQ(rig.backend.calls, std::vector<std::size_t>{10});
  ASSERT_EQ(rig.sink.sent.size(), 10U);
  for (std::uint8_t i = 0; i < 10; ++i) {
    EXPECT_EQ(rig.sink.sent[i].to, tuple_of(i));
    EXPECT_EQ(rig.sink.sent[i].bytes, (std::vector<std::byte>{std::byte{0x80}, std::byte{0x11}, std::byte{i}}));
  }
  rig.batch.flush();
  EXPECT_EQ(rig.backend.calls.size(), 1U) << "an empty batch is no call";
}

TEST_F(SealBatchTest, FlushesByItselfWhenFull) {
  for (std::size_t i = 0; i <= SealBatch::packets_max; ++i) ASSERT_TRUE(add(static_cast<std::uint8_t>(i)));
  EXPECT_EQ(rig.sink.sent.size(), SealBatch::packets_max);
  rig.batch.flush();
  EXPECT_EQ(rig.backend.calls, (std::vector<std::size_t>{SealBatch::packets_max, 1}));
  EXPECT_EQ(rig.sink.sent.size(), SealBatch::packets_max + 1);
}

TEST_F(SealBatchTest, CountsWhatFindsNoBufferAndGoesOnLater) {
  rig.sink.dry = true;
  EXPECT_FALSE(add(1));
  EXPECT_EQ(rig.counter(Counter::drop_pool_exhausted), 1U);
  rig.sink.dry = false;
  EXPECT_TRUE(add(2));
  rig.batch.flush();
  ASSERT_EQ(rig.sink.sent.size(), 1U);
  EXPECT_EQ(rig.sink.sent[0].bytes[2], std::byte{2});
}

TEST_F(SealBatchTest, APacketThatCannotBeSealedIsCountedAndItsBufferUsedAgain) {
  rig.backend.fail_next = 1;
  ASSERT_TRUE(add(1));
  ASSERT_TRUE(add(2));
  rig.batch.flush();
  EXPECT_EQ(rig.counter(Counter::drop_seal_failed), 1U);
  ASSERT_EQ(rig.sink.sent.size(), 1U);
  EXPECT_EQ(rig.sink.sent[0].bytes[2], std::byte{2});
  const auto free = rig.sink.pool.free_slots();
  ASSERT_TRUE(add(3));
  EXPECT_EQ(rig.sink.pool.free_slots(), free) << "the buffer of the failed one";
  rig.batch.flush();
  EXPECT_EQ(rig.sink.sent.back().bytes[2], std::byte{3});
}

TEST_F(SealBatchTest, AnAbandonedSlotIsTakenByTheNextPacket) {
  ASSERT_NE(rig.batch.begin(tuple_of(9)), nullptr);  // and then no ticket: never committed
  ASSERT_TRUE(add(4, 1));
  rig.batch.flush();
  ASSERT_EQ(rig.sink.sent.size(), 1U);
  EXPECT_EQ(rig.sink.sent[0].to, tuple_of(1));
}

}  // namespace
}  // namespace sluice::transport_test
