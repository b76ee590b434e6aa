#include "dataplane/srtp/srtp_sender.hpp"

#include <gtest/gtest.h>

#include "tests/dataplane/srtp/srtp_fixture.hpp"

namespace sluice {
namespace {

using srtp_test::Buffer;
using srtp_test::Sealing;
constexpr SrtpProfile gcm = SrtpProfile::aead_aes_128_gcm;

TEST(SrtpSender, gives_each_index_once) {
  Sealing end(gcm);
  EXPECT_TRUE(end.sender.claim({100}));
  EXPECT_EQ(end.sender.claim({100}).error(), SrtpError::index_used);
  EXPECT_TRUE(end.sender.claim({101}));
  EXPECT_EQ(end.sender.claim({100}).error(), SrtpError::index_used);
  EXPECT_EQ(end.sender_state.next_index, 102U);
}

TEST(SrtpSender, lets_a_late_packet_keep_its_place_once_within_the_window) {
  Sealing end(gcm);
  EXPECT_TRUE(end.sender.claim({2000}));
  EXPECT_TRUE(end.sender.claim({3000}));
  EXPECT_TRUE(end.sender.claim({2500}));
  EXPECT_EQ(end.sender.claim({2500}).error(), SrtpError::index_used);
  EXPECT_TRUE(end.sender.claim({3000 - 1023}));
  EXPECT_EQ(end.sender.claim({3000 - 1024}).error(), SrtpError::index_used);
  EXPECT_EQ(end.sender_state.next_index, 3001U);
}

TEST(SrtpSender, stores_the_next_index_before_the_ticket_is_there) {
  Sealing end(gcm);
  for (std::int64_t sequence = 0; sequence < 10; ++sequence) {
    const auto ticket = end.sender.claim({sequence});
    EXPECT_EQ(end.sender_state.next_index, static_cast<std::uint64_t>(sequence) + 1);
    EXPECT_EQ(ticket->index(), static_cast<std::uint64_t>(sequence));
  }
}

TEST(SrtpSender, refuses_indices_outside_of_48_bits) {
  Sealing end(gcm);
  EXPECT_EQ(end.sender.claim({-1}).error(), SrtpError::index_exhausted);
  EXPECT_EQ(end.sender.claim({std::int64_t{1} << 48}).error(), SrtpError::index_exhausted);
  EXPECT_TRUE(end.sender.claim({(std::int64_t{1} << 48) - 1}));
}

TEST(SrtpSender, a_successor_goes_on_at_the_stored_index_and_repeats_nothing) {
  Sealing end(gcm);
  ASSERT_TRUE(end.sender.claim({70'000}));
  ASSERT_TRUE(end.sender.claim({70'005}));
  SrtpSender successor(end.sender_state, end.sealer, Ssrc{1});
  EXPECT_EQ(successor.next().value, 70'006);
  // 70,001 was never sent, but the successor cannot know.
  for (std::int64_t sequence = 70'005; sequence > 70'005 - 2000; --sequence) {
    EXPECT_EQ(successor.claim({sequence}).error(), SrtpError::index_used);
  }
  EXPECT_TRUE(successor.claim({70'006}));
}

TEST(SrtpSender, what_was_moved_from_claims_nothing) {
  static_assert(!std::is_copy_constructible_v<SrtpSender> && !std::is_copy_assignable_v<SrtpSender>);
  Sealing end(gcm);
  ASSERT_TRUE(end.sender.claim({5}));
  SrtpSender moved(std::move(end.sender));
  EXPECT_EQ(end.sender.claim({6}).error(), SrtpError::no_key);
  EXPECT_EQ(moved.claim({5}).error(), SrtpError::index_used);
  EXPECT_TRUE(moved.claim({6}));
}

TEST(SrtpSender, gives_nothing_without_keys) {
  Sealing end(gcm);
  end.sealer.wipe();
  EXPECT_EQ(end.sender.claim({1}).error(), SrtpError::no_key);
  EXPECT_EQ(end.sealer.claim_rtcp(Ssrc{1}).error(), SrtpError::no_key);
  EXPECT_EQ(end.sender_state.next_index, 0U);
  EXPECT_FALSE(end.state.keys.usable());
}

TEST(SrtpSealer, counts_srtcp_packets_of_all_ssrcs_together) {
  Sealing end(gcm);
  const std::uint32_t first = end.state.next_srtcp_index;
  EXPECT_EQ(end.sealer.claim_rtcp(Ssrc{1})->index(), first);
  EXPECT_EQ(end.sealer.claim_rtcp(Ssrc{2})->index(), first + 1);
  EXPECT_EQ(end.state.next_srtcp_index, first + 2);
}

TEST(SrtpSealer, a_successor_skips_ahead) {
  Sealing end(gcm);
  const auto last = end.sealer.claim_rtcp(Ssrc{1})->index();
  SrtpSealer successor(end.state, end.backend);
  EXPECT_EQ(successor.claim_rtcp(Ssrc{1})->index(), last + 1 + srtcp_adoption_skip);
}

TEST(SrtpSealer, ends_at_31_bits) {
  Sealing end(gcm);
  end.state.next_srtcp_index = 0x7fff'ffff;
  EXPECT_TRUE(end.sealer.claim_rtcp(Ssrc{1}));
  EXPECT_EQ(end.sealer.claim_rtcp(Ssrc{1}).error(), SrtpError::index_exhausted);
  SrtpSealer successor(end.state, end.backend);
  EXPECT_EQ(successor.claim_rtcp(Ssrc{1}).error(), SrtpError::index_exhausted);
}

TEST(SrtpSealer, the_same_keys_told_again_do_not_start_the_index_again) {
  Sealing end(gcm);
  ASSERT_TRUE(end.sealer.claim_rtcp(Ssrc{1}));
  const std::uint32_t next = end.state.next_srtcp_index;
  EXPECT_TRUE(end.sealer.set_keys(srtp_test::keys_of(gcm)));
  EXPECT_EQ(end.state.next_srtcp_index, next);
  EXPECT_FALSE(end.sealer.set_keys(SrtpKeys{}));
  EXPECT_TRUE(end.sealer.keyed());
  EXPECT_TRUE(end.sealer.set_keys(srtp_test::keys_of(SrtpProfile::aes128_cm_sha1_80, 2)));
  EXPECT_EQ(end.state.next_srtcp_index, 0U);
  EXPECT_EQ(end.sealer.profile(), SrtpProfile::aes128_cm_sha1_80);
}

}  // namespace
}  // namespace sluice
