#include <gtest/gtest.h>
#include <poll.h>

#include <cstring>
#include <random>

#include "shm/channel/handshake_segment.hpp"
#include "shm/channel/message_receiver.hpp"
#include "shm/channel/message_sender.hpp"
#include "shm/channel/shared_segment.hpp"
#include "tests/shm/channel/messages.hpp"

namespace sluice {
namespace {

Doorbell same_bell(const Doorbell& bell) {
  return Doorbell(Descriptor(dup(bell.fd())));
}

class ChannelTest : public testing::Test {
 protected:
  bool bell_rings() const {
    pollfd poller{bell_.fd(), POLLIN, 0};
    return poll(&poller, 1, 0) == 1;
  }
  SharedSegment control_side_ = *SharedSegment::create("test", 1);
  SharedSegment worker_side_ = *SharedSegment::attach(control_side_.fd());
  Doorbell bell_ = *Doorbell::create();
  CommandSender sender_{control_side_->commands, same_bell(bell_)};
  CommandReceiver receiver_{worker_side_->commands, same_bell(bell_)};
  flatbuffers::FlatBufferBuilder builder_;
};

TEST_F(ChannelTest, carries_commands_from_one_mapping_to_the_other) {
  for (std::uint64_t generation = 1; generation < 100'000; ++generation) {
    ASSERT_EQ(sender_.send(builder_, schema::CreateBegin(builder_, generation, true)), PushResult::ok);
    const schema::Command* const command = receiver_.receive();
    ASSERT_NE(command, nullptr);
    ASSERT_EQ(command->body_as_Begin()->generation(), generation);
  }
  EXPECT_EQ(receiver_.receive(), nullptr);
  EXPECT_EQ(receiver_.counts().received, 99'999U);
  EXPECT_EQ(receiver_.counts().refused, 0U);
}

TEST_F(ChannelTest, rings_only_a_receiver_that_sleeps) {
  receiver_.wake_up();
  ASSERT_EQ(sender_.send(builder_, schema::CreateCommit(builder_, 1)), PushResult::ok);
  EXPECT_TRUE(bell_rings());  // a new sender owes one ring
  receiver_.wake_up();
  EXPECT_FALSE(bell_rings());
  ASSERT_EQ(sender_.send(builder_, schema::CreateCommit(builder_, 2)), PushResult::ok);
  EXPECT_FALSE(bell_rings());
  EXPECT_FALSE(receiver_.prepare_to_sleep());
  EXPECT_NE(receiver_.receive(), nullptr);
  EXPECT_NE(receiver_.receive(), nullptr);
  EXPECT_TRUE(receiver_.prepare_to_sleep());
  ASSERT_EQ(sender_.send(builder_, schema::CreateCommit(builder_, 3), Wake::later), PushResult::ok);
  EXPECT_FALSE(bell_rings());
  sender_.wake();
  EXPECT_TRUE(bell_rings());
}

TEST_F(ChannelTest, is_full_by_value_and_loses_nothing_that_it_took) {
  std::uint64_t sent = 0;
  while (sender_.send(builder_, schema::CreateCommit(builder_, sent + 1)) == PushResult::ok) ++sent;
  EXPECT_GT(sent, 10'000U);
  EXPECT_GT(sender_.backlog_bytes(), SharedLayoutOfWorker::ring_bytes - 100);
  std::uint64_t received = 0;
  while (const schema::Command* command = receiver_.receive()) {
    ASSERT_EQ(command->body_as_Commit()->generation(), ++received);
  }
  EXPECT_EQ(received, sent);
}

TEST_F(ChannelTest, refuses_messages_over_64_kib_at_both_ends) {
  const std::vector<std::byte> large(MessageLimits::bytes + 1);
  EXPECT_EQ(sender_.send_bytes(large), PushResult::too_large);
  RingProducer hostile(control_side_->commands);
  ASSERT_EQ(hostile.try_push(large), PushResult::ok);
  CommandSender honest(control_side_->commands, same_bell(bell_));
  ASSERT_EQ(honest.send(builder_, schema::CreateCommit(builder_, 5)), PushResult::ok);
  const schema::Command* const command = receiver_.receive();
  ASSERT_NE(command, nullptr);
  EXPECT_EQ(command->body_as_Commit()->generation(), 5U);
  EXPECT_EQ(receiver_.counts().refused, 1U);
}

TEST_F(ChannelTest, counts_and_passes_over_garbage_in_bounded_portions) {
  const std::vector<std::byte> garbage(40, std::byte{0x5a});
  for (int i = 0; i < 40; ++i) ASSERT_EQ(sender_.send_bytes(garbage), PushResult::ok);
  ASSERT_EQ(sender_.send(builder_, schema::CreateCommit(builder_, 9)), PushResult::ok);
  EXPECT_EQ(receiver_.receive(), nullptr);
  EXPECT_EQ(receiver_.counts().refused, 16U);
  EXPECT_FALSE(receiver_.prepare_to_sleep());
  EXPECT_EQ(receiver_.receive(), nullptr);
  EXPECT_NE(receiver_.receive(), nullptr);
  EXPECT_EQ(receiver_.counts().refused, 40U);
}

TEST_F(ChannelTest, survives_a_scribbled_ring_and_goes_on) {
  std::mt19937 random(5);
  for (int turn = 0; turn < 300; ++turn) {
    for (std::byte& b : control_side_->commands.data) b = static_cast<std::byte>(random());
    control_side_->commands.header.produced = turn % 2 == 0 ? random() : control_side_->commands.header.consumed + 4096;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(receiver_.receive(), nullptr);
    CommandSender honest(control_side_->commands, same_bell(bell_));
    EXPECT_NE(honest.send(builder_, schema::CreateCommit(builder_, 1)), PushResult::too_large);
    (void)receiver_.receive();
    if (turn == 20) break;  // a megabyte of randomness each
  }
  EXPECT_GT(receiver_.counts().ring_faults, 5U);
}

TEST_F(ChannelTest, carries_every_message_of_every_family) {
  HandshakeSegment handshakes = *HandshakeSegment::create("handshakes", 1);
  HandshakeSender handshake_sender(handshakes->to_worker, same_bell(bell_));
  HandshakeReceiver handshake_receiver(handshakes->to_worker, same_bell(bell_));
  EventSender event_sender(worker_side_->events, same_bell(bell_));
  EventReceiver event_receiver(control_side_->events, same_bell(bell_));
  for (const auto& [name, buffer] : test::sample_messages()) {
    const Bytes bytes(reinterpret_cast<const std::byte*>(buffer.data()), buffer.size());
    if (name.starts_with("command")) {
      ASSERT_EQ(sender_.send_bytes(bytes), PushResult::ok);
      EXPECT_NE(receiver_.receive(), nullptr) << name;
    } else if (name.starts_with("event")) {
      ASSERT_EQ(event_sender.send_bytes(bytes), PushResult::ok);
      EXPECT_NE(event_receiver.receive(), nullptr) << name;
    } else {
      ASSERT_EQ(handshake_sender.send_bytes(bytes), PushResult::ok);
      EXPECT_NE(handshake_receiver.receive(), nullptr) << name;
    }
  }
}

TEST(MessageRules, refuse_every_truncation_of_every_message_or_read_it_within_bounds) {
  for (const auto& [name, buffer] : test::sample_messages()) {
    for (std::size_t size = 0; size < buffer.size(); ++size) {
      // Its own allocation, so that AddressSanitizer sees a read past the end.
      std::vector<std::uint64_t> words((size + 7) / 8);
      if (size != 0) std::memcpy(words.data(), buffer.data(), size);
      const Bytes bytes = std::as_bytes(std::span(words)).first(size);
      (void)verified_command(bytes);
      (void)verified_event(bytes);
      (void)verified_handshake(bytes);
    }
  }
}

TEST(MessageRules, refuse_unknown_union_members_enums_out_of_range_and_wrong_sizes) {
  const auto accepts = [](flatbuffers::FlatBufferBuilder& builder, schema::CommandBody type, auto body) {
    builder.Finish(schema::CreateCommand(builder, type, body.Union()));
    return verified_command(Bytes(reinterpret_cast<const std::byte*>(builder.GetBufferPointer()), builder.GetSize())) !=
           nullptr;
  };
  {
    flatbuffers::FlatBufferBuilder builder;
    EXPECT_TRUE(accepts(builder, schema::CommandBody::Commit, schema::CreateCommit(builder, 1)));
  }
  {
    flatbuffers::FlatBufferBuilder builder;
    EXPECT_FALSE(accepts(builder, schema::CommandBody::NONE, schema::CreateCommit(builder, 1)));
  }
  {
    flatbuffers::FlatBufferBuilder builder;
    EXPECT_FALSE(accepts(builder, static_cast<schema::CommandBody>(99), schema::CreateCommit(builder, 1)));
  }
  {
    flatbuffers::FlatBufferBuilder builder;
    EXPECT_FALSE(
        accepts(builder, schema::CommandBody::Remove, schema::CreateRemove(builder, static_cast<schema::EntityKind>(7), 1)));
  }
  for (const std::size_t size : {31U, 32U, 33U}) {
    flatbuffers::FlatBufferBuilder builder;
    const auto text = builder.CreateString("text");
    const auto fingerprint = builder.CreateVector(std::vector<std::uint8_t>(size));
    const auto body = schema::CreateUpsertTransport(builder, 1, text, text, text, schema::DtlsRole::server, fingerprint);
    EXPECT_EQ(accepts(builder, schema::CommandBody::UpsertTransport, body), size == 32);
  }
  {
    flatbuffers::FlatBufferBuilder builder;
    const auto text = builder.CreateString(std::string(256, 'u'));
    const auto fingerprint = builder.CreateVector(std::vector<std::uint8_t>(32));
    EXPECT_FALSE(
        accepts(builder, schema::CommandBody::UpsertTransport,
                schema::CreateUpsertTransport(builder, 1, text, text, text, schema::DtlsRole::server, fingerprint)));
  }
}

TEST(SharedSegment, refuses_the_handshake_segment_and_the_reverse) {
  SharedSegment shared = *SharedSegment::create("shared", 1);
  HandshakeSegment handshake = *HandshakeSegment::create("handshake", 1);
  EXPECT_EQ(SharedSegment::attach(handshake.fd()).error().fault, RegionFault::wrong_kind);
  EXPECT_EQ(HandshakeSegment::attach(shared.fd()).error().fault, RegionFault::wrong_kind);
  const auto reader = SharedSegment::attach(shared.fd(), Access::read_only);
  ASSERT_TRUE(reader);
  shared->counters.add(Counter::ticks, 3);
  EXPECT_EQ((*reader)->counters.snapshot()[Counter::ticks], 3U);
}

}  // namespace
}  // namespace sluice
