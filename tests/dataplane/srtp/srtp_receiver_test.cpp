#include "dataplane/srtp/srtp_receiver.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "shm/types/byte_order.hpp"
#include "tests/dataplane/srtp/srtp_fixture.hpp"

namespace sluice {
namespace {

using srtp_test::all_profiles;
using srtp_test::Buffer;
using srtp_test::copy_of;
using srtp_test::Sealing;
constexpr SrtpProfile gcm = SrtpProfile::aead_aes_128_gcm;

struct Opening {
  explicit Opening(SrtpProfile profile) : state{.keys = srtp_test::keys_of(profile)}, receiver(state, backend) {}
  SrtpError error_of(Buffer packet) {
    const auto opened = receiver.open_rtp(packet);
    EXPECT_FALSE(opened);
    return opened ? SrtpError::no_key : opened.error();
  }
  bool opens(Buffer packet) { return receiver.open_rtp(packet).has_value(); }

  OpensslSrtpBackend backend;
  SrtpReceiverState state;
  SrtpReceiver receiver;
};

TEST(SrtpReceiver, opens_in_any_order_once) {
  for (const SrtpProfile profile : all_profiles) {
    Sealing end(profile);
    Opening peer(profile);
    std::vector<Buffer> sealed;
    for (std::int64_t sequence = 0; sequence < 20; ++sequence) sealed.push_back(end.rtp(sequence).value());
    for (const std::size_t i : {3U, 1U, 2U, 0U, 19U, 5U}) {
      Buffer packet = sealed[i];
      const auto opened = peer.receiver.open_rtp(packet);
      ASSERT_TRUE(opened);
      EXPECT_EQ(copy_of(*opened), srtp_test::rtp_packet(static_cast<std::uint16_t>(i)));
      EXPECT_EQ(peer.error_of(sealed[i]), SrtpError::replay);
    }
  }
}

TEST(SrtpReceiver, calls_a_packet_behind_the_window_old) {
  Sealing end(gcm);
  Opening peer(gcm);
  const Buffer first = end.rtp(10).value();
  const Buffer second = end.rtp(11).value();
  EXPECT_TRUE(peer.opens(end.rtp(11 + 1023).value()));
  EXPECT_TRUE(peer.opens(second));
  EXPECT_EQ(peer.error_of(first), SrtpError::old);
}

TEST(SrtpReceiver, follows_the_rollover_counter_over_wraps_both_ways) {
  for (const SrtpProfile profile : all_profiles) {
    Sealing end(profile);
    Opening peer(profile);
    // Steps below 2^15, as the guess needs; each boundary is met with a packet that comes late from before it.
    for (std::int64_t sequence = 30'000; sequence < 5 * 65'536; sequence += 20'000) {
      const std::int64_t boundary = (sequence + 20'000) / 65'536 * 65'536;
      EXPECT_TRUE(peer.opens(end.rtp(sequence).value()));
      if (boundary <= sequence) continue;
      const Buffer before = end.rtp(boundary - 1).value();
      const Buffer after = end.rtp(boundary).value();
      EXPECT_TRUE(peer.opens(after));
      EXPECT_TRUE(peer.opens(before));
      EXPECT_EQ(peer.error_of(before), SrtpError::replay);
    }
    EXPECT_EQ(peer.state.streams[0].next_rtp_index >> 16U, 5U);
  }
}

TEST(SrtpReceiver, leaves_its_state_as_it_was_for_every_bad_packet) {
  for (const SrtpProfile profile : all_profiles) {
    Sealing end(profile);
    Opening peer(profile);
    ASSERT_TRUE(peer.opens(end.rtp(1000).value()));
    const SrtpReceiverState before = peer.state;
    const auto unchanged = [&] { return std::memcmp(&before, &peer.state, sizeof before) == 0; };
    const srtp_test::RtpShape shape{.csrcs = 2, .extension_words = 3, .payload = 20};
    const Buffer good = end.rtp(1001, shape).value();
    for (std::size_t size = 0; size < good.size(); ++size) {
      Buffer cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(peer.opens(cut));
    }
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      Buffer mutated = good;
      mutated[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
      EXPECT_FALSE(peer.opens(mutated)) << "bit " << bit;
    }
    EXPECT_TRUE(unchanged());
    EXPECT_EQ(peer.receiver.stream_count(), 1U);
    // A forged packet far ahead moved nothing: the next good one still opens.
    EXPECT_TRUE(peer.opens(good));
    EXPECT_FALSE(unchanged());
  }
}

TEST(SrtpReceiver, names_the_reason) {
  Opening peer(gcm);
  EXPECT_EQ(peer.error_of(Buffer(27)), SrtpError::too_short);
  EXPECT_EQ(peer.error_of(Buffer(40)), SrtpError::malformed);
  Buffer csrcs = srtp_test::rtp_packet(1, {.payload = 20});
  csrcs[0] |= std::byte{0x0f};
  EXPECT_EQ(peer.error_of(csrcs), SrtpError::malformed);
  EXPECT_EQ(peer.error_of(srtp_test::rtp_packet(1)), SrtpError::bad_tag);
  Buffer rtcp = srtp_test::rtcp_packet(1, 40);
  rtcp[44] = std::byte{0};  // the E bit
  EXPECT_EQ(peer.receiver.open_rtcp(rtcp).error(), SrtpError::not_encrypted);
  rtcp.resize(27);
  EXPECT_EQ(peer.receiver.open_rtcp(rtcp).error(), SrtpError::too_short);
  SrtpReceiverState empty;
  SrtpReceiver unkeyed(empty, peer.backend);
  Buffer packet(100);
  EXPECT_EQ(unkeyed.open_rtp(packet).error(), SrtpError::no_key);
  EXPECT_EQ(unkeyed.open_rtcp(packet).error(), SrtpError::no_key);
}

TEST(SrtpReceiver, opens_srtcp_once_with_a_window_of_its_own) {
  for (const SrtpProfile profile : all_profiles) {
    Sealing end(profile);
    Opening peer(profile);
    const Buffer plain = srtp_test::rtcp_packet(0x1234'5678, 44);
    std::vector<Buffer> sealed;
    for (int i = 0; i < 1200; ++i) sealed.push_back(end.rtcp(plain).value());
    const auto open = [&](Buffer packet) { return peer.receiver.open_rtcp(packet); };
    Buffer packet = sealed[100];
    const auto opened = peer.receiver.open_rtcp(packet);
    ASSERT_TRUE(opened);
    EXPECT_EQ(copy_of(*opened), plain);
    EXPECT_EQ(open(sealed[100]).error(), SrtpError::replay);
    EXPECT_TRUE(open(sealed[99]));
    EXPECT_TRUE(open(sealed[1199]));
    EXPECT_EQ(open(sealed[98]).error(), SrtpError::old);
    // RTP of the same SSRC is not affected, in either direction.
    EXPECT_TRUE(peer.opens(end.rtp(5).value()));
    EXPECT_EQ(peer.receiver.stream_count(), 1U);
    const SrtpReceiverState before = peer.state;
    for (std::size_t bit = 0; bit < sealed[500].size() * 8; ++bit) {
      Buffer mutated = sealed[500];
      mutated[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
      EXPECT_FALSE(open(mutated)) << "bit " << bit;
    }
    EXPECT_EQ(std::memcmp(&before, &peer.state, sizeof before), 0);
    EXPECT_TRUE(open(sealed[500]));
  }
}

TEST(SrtpReceiver, a_batch_holds_repeats_and_wraps) {
  Sealing end(gcm);
  Opening peer(gcm);
  ASSERT_TRUE(peer.opens(end.rtp(65'530).value()));
  std::vector<Buffer> packets = {end.rtp(65'535).value(), end.rtp(65'536).value(), end.rtp(65'540).value()};
  packets.push_back(packets[1]);
  std::vector<OpenJob> jobs;
  for (Buffer& packet : packets) jobs.push_back(*peer.receiver.prepare_rtp(packet));
  peer.backend.open(jobs);
  EXPECT_TRUE(peer.receiver.commit(jobs[0]));
  EXPECT_TRUE(peer.receiver.commit(jobs[1]));
  EXPECT_TRUE(peer.receiver.commit(jobs[2]));
  EXPECT_EQ(peer.receiver.commit(jobs[3]).error(), SrtpError::replay);
  EXPECT_EQ(peer.state.streams[0].next_rtp_index, 65'541U);
}

TEST(SrtpReceiver, a_successor_opens_what_is_new_and_nothing_that_was_seen) {
  for (const SrtpProfile profile : all_profiles) {
    Sealing end(profile);
    Opening peer(profile);
    const Buffer report = srtp_test::rtcp_packet(0x1234'5678, 8);
    Buffer old_rtcp = end.rtcp(report).value();
    ASSERT_TRUE(peer.opens(end.rtp(32'000).value()));
    ASSERT_TRUE(peer.opens(end.rtp(64'000).value()));
    const Buffer highest = end.rtp(66'000).value();
    const Buffer missing = end.rtp(65'900).value();
    ASSERT_TRUE(peer.opens(highest));
    Buffer rtcp = end.rtcp(report).value();
    ASSERT_TRUE(peer.receiver.open_rtcp(rtcp));

    SrtpReceiverState copy = peer.state;
    SrtpReceiver successor(copy, peer.backend);
    const auto open = [&](Buffer packet) { return successor.open_rtp(packet); };
    EXPECT_EQ(open(highest).error(), SrtpError::replay);
    EXPECT_EQ(open(missing).error(), SrtpError::replay);
    EXPECT_EQ(successor.open_rtcp(old_rtcp).error(), SrtpError::replay);
    EXPECT_TRUE(open(end.rtp(66'001).value()));
    Buffer next_rtcp = end.rtcp(report).value();
    EXPECT_TRUE(successor.open_rtcp(next_rtcp));
  }
}

TEST(SrtpReceiver, knows_64_ssrcs_and_reuses_retired_rows_oldest_first) {
  OpensslSrtpBackend backend;
  Opening peer(gcm);
  const auto first_of = [&](std::uint32_t ssrc) { return *Sealing(gcm, ssrc).rtp(1, {.ssrc = ssrc}); };
  for (std::uint32_t ssrc = 1; ssrc <= 64; ++ssrc) ASSERT_TRUE(peer.opens(first_of(ssrc)));
  EXPECT_EQ(peer.error_of(first_of(65)), SrtpError::too_many_streams);
  peer.receiver.retire(Ssrc{20});
  peer.receiver.retire(Ssrc{10});
  peer.receiver.retire(Ssrc{20});
  EXPECT_EQ(peer.error_of(first_of(20)), SrtpError::replay);  // retired, but still known
  EXPECT_TRUE(peer.opens(first_of(65)));
  EXPECT_EQ(peer.error_of(first_of(10)), SrtpError::replay);
  EXPECT_TRUE(peer.opens(first_of(66)));
  EXPECT_EQ(peer.error_of(first_of(67)), SrtpError::too_many_streams);
  EXPECT_EQ(peer.receiver.stream_count(), 64U);
}

TEST(SrtpReceiver, new_keys_forget_the_streams_and_equal_keys_do_not) {
  Sealing end(gcm);
  Opening peer(gcm);
  const Buffer packet = end.rtp(1).value();
  ASSERT_TRUE(peer.opens(packet));
  EXPECT_TRUE(peer.receiver.set_keys(srtp_test::keys_of(gcm)));
  EXPECT_EQ(peer.error_of(packet), SrtpError::replay);
  EXPECT_TRUE(peer.receiver.set_keys(srtp_test::keys_of(gcm, 2)));
  EXPECT_EQ(peer.error_of(packet), SrtpError::bad_tag);
  EXPECT_EQ(peer.receiver.stream_count(), 0U);
}

TEST(SrtpReceiver, wipe_leaves_zeros) {
  Sealing end(gcm);
  Opening peer(gcm);
  ASSERT_TRUE(peer.opens(end.rtp(1).value()));
  peer.receiver.wipe();
  EXPECT_EQ(copy_of(std::as_bytes(std::span(&peer.state, 1))), Buffer(sizeof peer.state));
  EXPECT_EQ(peer.error_of(end.rtp(2).value()), SrtpError::no_key);
}

}  // namespace
}  // namespace sluice
