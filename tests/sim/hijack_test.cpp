#include <cstring>

#include "tests/sim/call.hpp"
#include "tests/sim/stun_request.hpp"

namespace sluice::sim {
namespace {

using std::chrono::seconds;

class Hijack : public testing::Test {
 protected:
  Hijack() : call(9, 2) {
    call.world.connect_all();
    call.world.run_for(seconds(2));
    for (auto& [tuple, peer] : call.world.peers) {
      for (SentStream& s : peer->sending) s.enabled = false;
    }
    call.world.run_for(seconds(1));
  }
  /// The datagram is dropped: no reply, no byte of any record changed, exactly this counter up.
  void expect_dropped(const Tuple& from, std::vector<std::byte> bytes, Counter counter) {
    SimWorld& w = call.world;
    const auto records = copy();
    const auto sent = w.sent_datagrams;
    const auto count = w.counter(counter);
    w.core.handle_datagram(w.now, from, bytes);
    w.core.flush(w.now);
    EXPECT_EQ(w.sent_datagrams, sent);
    EXPECT_EQ(w.counter(counter), count + 1);
    EXPECT_EQ(std::memcmp(records.data(), w.memory.transports.data(), records.size() * sizeof(TransportRecord)), 0);
  }
  std::vector<TransportRecord> copy() {
    std::vector<TransportRecord> records(call.world.memory.transports.size());
    std::memcpy(static_cast<void*>(records.data()), call.world.memory.transports.data(),
                records.size() * sizeof(TransportRecord));
    return records;
  }
  Call call;
  Tuple stranger{SocketAddress::from_ipv4({192, 0, 2, 66}, 6666), 0};
};

TEST_F(Hijack, GarbageIsCountedAndForgotten) {
  expect_dropped(stranger, std::vector<std::byte>(3, std::byte{1}), Counter::drop_bad_length);
  expect_dropped(stranger, std::vector<std::byte>(100, std::byte{0x50}), Counter::drop_unknown_class);
  expect_dropped(stranger, std::vector<std::byte>(1600, std::byte{0x80}), Counter::drop_bad_length);
}

TEST_F(Hijack, StunWithoutTheRightPasswordIsNotAnswered) {
  const SimPeer& victim = *call.members[0];
  expect_dropped(stranger, stun_request(victim.setup.ufrag + ":peer", "another-password-of-22-chars", 1, true),
                 Counter::drop_stun_bad_integrity);
  expect_dropped(stranger, stun_request(victim.setup.ufrag + ":other", victim.setup.pwd, 1, true),
                 Counter::drop_stun_bad_integrity);
  expect_dropped(stranger, stun_request("nobody:peer", victim.setup.pwd, 1, true), Counter::drop_stun_bad_integrity);
  auto cut = stun_request(victim.setup.ufrag + ":peer", victim.setup.pwd, 1, true);
  cut[cut.size() - 1] ^= std::byte{1};
  expect_dropped(stranger, cut, Counter::drop_stun_parse);
}

TEST_F(Hijack, DtlsAndMediaFromAnUnprovenTupleGoNowhere) {
  std::vector<std::byte> dtls(100, std::byte{0});
  dtls[0] = std::byte{22};
  const auto messages = call.world.memory.messages.handshakes.size();
  expect_dropped(stranger, dtls, Counter::drop_dtls_not_validated);
  EXPECT_EQ(call.world.memory.messages.handshakes.size(), messages);
  std::vector<std::byte> rtp(100, std::byte{0});
  rtp[0] = std::byte{0x80};
  rtp[1] = std::byte{96};
  expect_dropped(stranger, rtp, Counter::drop_unknown_tuple);
  rtp[1] = std::byte{201};
  expect_dropped(stranger, rtp, Counter::drop_unknown_tuple);
}

TEST_F(Hijack, PlaintextAndReplayedMediaOfAKnownTupleAreDropped) {
  const Tuple& tuple = call.members[0]->setup.tuple;
  std::vector<std::byte> rtp(100, std::byte{0});
  rtp[0] = std::byte{0x80};
  rtp[1] = std::byte{96};
  store_u32(rtp, 8, 1000);
  expect_dropped(tuple, rtp, Counter::drop_srtp_bad_tag);

  // A real packet, then the same again.
  std::vector<std::byte> sealed;
  SimPeer twin(call.members[0]->setup, [&](TimePoint, Bytes bytes) { sealed.assign(bytes.begin(), bytes.end()); });
  twin.set_keys();
  std::vector<std::byte> plain(40, std::byte{0});
  plain[0] = std::byte{0x80};
  plain[1] = std::byte{96};
  store_u16(plain, 2, 100);
  store_u32(plain, 8, 4242);
  twin.send_rtp(call.world.now, plain);
  auto first = sealed;
  call.world.core.handle_datagram(call.world.now, tuple, first);
  expect_dropped(tuple, sealed, Counter::drop_srtp_replay);
}

TEST_F(Hijack, AnSsrcOfNoMLineIsNotForwarded) {
  const auto forwarded = call.world.counter(Counter::forwarded_packets);
  const auto unknown = call.world.counter(Counter::drop_srtp_unknown_ssrc) + call.world.counter(Counter::drop_not_published);
  std::vector<std::byte> plain(40, std::byte{0});
  plain[0] = std::byte{0x80};
  plain[1] = std::byte{96};
  store_u32(plain, 8, 999'999);
  call.members[0]->send_rtp(call.world.now, plain);
  call.world.run_for(std::chrono::milliseconds(100));
  EXPECT_EQ(call.world.counter(Counter::forwarded_packets), forwarded);
  EXPECT_EQ(call.world.counter(Counter::drop_srtp_unknown_ssrc) + call.world.counter(Counter::drop_not_published),
            unknown + 1);
}

TEST_F(Hijack, FeedbackOnStreamsOfOthersIsIgnored) {
  const auto plis = call.world.counter(Counter::plis_received);
  const auto foreign = call.world.counter(Counter::drop_rtcp_foreign);
  call.members[0]->request_key_frame(call.world.now, call.wish(1, 0, true).ssrc);
  call.world.run_for(std::chrono::milliseconds(100));
  EXPECT_EQ(call.world.counter(Counter::plis_received), plis);
  EXPECT_GT(call.world.counter(Counter::drop_rtcp_foreign), foreign);
}

}  // namespace
}  // namespace sluice::sim
