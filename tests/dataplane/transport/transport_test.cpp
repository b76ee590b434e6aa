#include "dataplane/transport/transport.hpp"

#include <gtest/gtest.h>

#include "dataplane/packet/rtp_packet.hpp"
#include "tests/dataplane/transport/transport_rig.hpp"

namespace sluice::transport_test {
namespace {

struct TransportTest : testing::Test {
  void make(const TransportSpec& spec = transport_spec(1)) {
    transport = std::make_unique<Transport>(rig.now, spec, *record, rig.surroundings);
  }
  void send(std::int64_t sequence, bool transport_cc = true) {
    if (!sender) sender.emplace(sender_state, transport->sealer(), Ssrc{5});
    OutgoingPacket out;
    out.sender = &*sender;
    out.sequence = {sequence};
    out.header = {.payload_type = PayloadType{100},
                  .sequence_number = out.sequence.on_wire(),
                  .timestamp = 1234,
                  .ssrc = Ssrc{5},
                  .marker = true};
    out.mid = "m0";
    out.extensions.audio_level = std::byte{0x85};
    out.transport_cc = transport_cc;
    out.prefix[0] = std::byte{0x77};
    out.prefix_size = 1;
    out.payload = payload;
    transport->enqueue(rig.now, SendClass::video, out);
    rig.batch.flush();
  }
  TransportRig rig;
  std::unique_ptr<TransportRecord> record = std::make_unique<TransportRecord>();
  std::unique_ptr<Transport> transport;
  SrtpSenderState sender_state;
  std::optional<SrtpSender> sender;
  std::vector<std::byte> payload = std::vector<std::byte>(10, std::byte{0x33});
};

TEST_F(TransportTest, SendsOnlyWithKeysAPathAndInTheConnectedPhase) {
  make();
  EXPECT_FALSE(transport->can_send());
  rig.nominate(*transport);
  EXPECT_FALSE(transport->can_send());
  ASSERT_EQ(transport->set_keys(SrtpProfile::aead_aes_128_gcm, key_salt(1), key_salt(2)), Transport::KeyChange::fresh);
  EXPECT_FALSE(transport->can_send());
  EXPECT_TRUE(transport->enter(rig.now, TransportPhase::connected, TransportReason::none));
  EXPECT_FALSE(transport->enter(rig.now, TransportPhase::connected, TransportReason::none)) << "no change";
  EXPECT_TRUE(transport->can_send());
  transport->enter(rig.now, TransportPhase::disconnected, TransportReason::consent_expired);
  send(1);
  EXPECT_TRUE(rig.sink.sent.empty());
}

TEST_F(TransportTest, WritesWhatTheReceiverNegotiated) {
  make();
  rig.connect(*transport);
  send(7);
  ASSERT_EQ(rig.sink.sent.size(), 1U);
  auto bytes = rig.sink.sent[0].bytes;
  const auto packet = RtpPacket::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->ssrc(), Ssrc{5});
  EXPECT_EQ(packet->sequence_number(), SequenceNumber{7});
  EXPECT_TRUE(packet->marker());
  EXPECT_EQ(parse_sdes_text(packet->extension(1)), "m0");
  EXPECT_EQ(parse_transport_sequence_number(packet->extension(4)), 0);
  EXPECT_EQ(packet->extension(5).size(), 3U);
  ASSERT_EQ(packet->extension(6).size(), 1U);
  EXPECT_EQ(packet->extension(6)[0], std::byte{0x85});
  EXPECT_EQ(packet->payload_size(), 11U);
  EXPECT_EQ(packet->payload()[0], std::byte{0x77});
  EXPECT_EQ(transport->totals().packets_out, 1U);
  EXPECT_EQ(transport->totals().bytes_out, bytes.size());
}

TEST_F(TransportTest, LeavesOutWhatItDidNot) {
  TransportSpec spec = transport_spec(1);
  spec.extensions = {.mid = 9};
  make(spec);
  rig.connect(*transport);
  send(1);
  auto bytes = rig.sink.sent.at(0).bytes;
  const auto packet = RtpPacket::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(parse_sdes_text(packet->extension(9)), "m0");
  for (const unsigned id : {1U, 4U, 5U, 6U}) EXPECT_TRUE(packet->extension(static_cast<std::uint8_t>(id)).empty());
  EXPECT_EQ(transport->history().claim(), ExtendedSequenceNumber{0}) << "no number was spent";
}

TEST_F(TransportTest, NumbersOnlyCodecsWithTransportCc) {
  make();
  rig.connect(*transport);
  send(1, true);
  send(2, false);
  send(3, true);
  ASSERT_EQ(rig.sink.sent.size(), 3U);
  const auto number = [&](std::size_t i) {
    return parse_transport_sequence_number(RtpPacket::parse(rig.sink.sent[i].bytes)->extension(4));
  };
  EXPECT_EQ(number(0), 0);
  EXPECT_FALSE(number(1));
  EXPECT_EQ(number(2), 1);
}

TEST_F(TransportTest, NeverSendsANumberTwice) {
  make();
  rig.connect(*transport);
  send(5);
  send(5);
  EXPECT_EQ(rig.sink.sent.size(), 1U);
  EXPECT_EQ(rig.counter(Counter::drop_seal_failed), 1U);
}

TEST_F(TransportTest, TellsHowKeysChanged) {
  make();
  const auto set = [&](unsigned seed) {
    return transport->set_keys(SrtpProfile::aead_aes_128_gcm, key_salt(seed), key_salt(seed + 1));
  };
  EXPECT_EQ(transport->set_keys(SrtpProfile::none, key_salt(1), key_salt(2)), Transport::KeyChange::refused);
  EXPECT_EQ(transport->set_keys(SrtpProfile::aead_aes_128_gcm, key_salt(1, 27), key_salt(2)), Transport::KeyChange::refused);
  EXPECT_FALSE(transport->keyed());
  EXPECT_EQ(set(1), Transport::KeyChange::fresh);
  EXPECT_EQ(set(1), Transport::KeyChange::same);
  EXPECT_EQ(set(3), Transport::KeyChange::replaced);
  EXPECT_EQ(transport->set_keys(SrtpProfile::aead_aes_128_gcm, key_salt(3), key_salt(9)), Transport::KeyChange::replaced)
      << "one direction is enough";
  transport->wipe_keys();
  EXPECT_FALSE(transport->keyed());
  EXPECT_EQ(set(1), Transport::KeyChange::fresh);
}

TEST_F(TransportTest, SendsPlainOnlyToProvenTuples) {
  make();
  transport->send_plain(payload, tuple_of(1));
  EXPECT_TRUE(rig.sink.sent.empty()) << "no check came";
  const auto request = sim::stun_request("frag1:peer", std::string(24, 'p'), 1, false);
  ASSERT_TRUE(transport->handle_stun(rig.now, tuple_of(1), request));
  ASSERT_EQ(rig.sink.sent.size(), 1U) << "the reply";
  transport->send_plain(payload, std::nullopt);
  EXPECT_EQ(rig.sink.sent.size(), 1U) << "nothing is selected";
  transport->send_plain(payload, tuple_of(2));
  EXPECT_EQ(rig.sink.sent.size(), 1U) << "another tuple";
  transport->send_plain(payload, tuple_of(1));
  ASSERT_EQ(rig.sink.sent.size(), 2U);
  EXPECT_EQ(rig.sink.sent[1].bytes, payload);
}

TEST_F(TransportTest, ASuccessorKeepsKeysPhaseAndNames) {
  make();
  rig.connect(*transport);
  const auto copy = std::make_unique<TransportRecord>(*record);
  const Ssrc rtcp = transport->rtcp_ssrc();
  EXPECT_NE(rtcp, Ssrc{});
  Transport successor(rig.now, transport_spec(1), *copy, rig.surroundings);
  EXPECT_EQ(successor.rtcp_ssrc(), rtcp);
  EXPECT_TRUE(successor.keyed());
  EXPECT_EQ(successor.phase(), TransportPhase::connected);
}

TEST_F(TransportTest, AnotherIncarnationBeginsAnew) {
  make();
  rig.connect(*transport);
  const auto copy = std::make_unique<TransportRecord>(*record);
  TransportSpec spec = transport_spec(1);
  spec.id.incarnation = 2;
  Transport other(rig.now, spec, *copy, rig.surroundings);
  EXPECT_FALSE(other.keyed());
  EXPECT_EQ(other.phase(), TransportPhase::waiting);
}

TEST_F(TransportTest, LeavesEverythingToASuccessorButNoKeysBehindItsEnd) {
  make();
  rig.connect(*transport);
  transport.reset();
  EXPECT_TRUE(record->sealer.keys.usable());
  make();
  EXPECT_TRUE(transport->keyed());
  transport->forget();
  transport.reset();
  EXPECT_EQ(record->id, 0U);
  EXPECT_FALSE(record->sealer.keys.usable());
  EXPECT_FALSE(record->receiver.keys.usable());
}

TEST_F(TransportTest, AnRtcpCompoundNeedsItsHeader) {
  make();
  rig.connect(*transport);
  EXPECT_FALSE(transport->send_rtcp(Bytes(payload).first(7)));
  EXPECT_TRUE(transport->send_rtcp(Bytes(payload).first(8)));
  rig.sink.dry = true;
  EXPECT_FALSE(transport->send_rtcp(Bytes(payload).first(8)));
  EXPECT_EQ(rig.counter(Counter::drop_pool_exhausted), 1U);
}

}  // namespace
}  // namespace sluice::transport_test
