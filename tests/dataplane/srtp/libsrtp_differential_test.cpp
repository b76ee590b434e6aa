// libsrtp2 is the oracle: what we seal it seals to the same bytes and opens, and the reverse.
#include <gtest/gtest.h>
#include <srtp2/srtp.h>

#include <memory>
#include <random>
#include <string>
#include <tuple>

#include "shm/types/byte_order.hpp"
#include "tests/dataplane/srtp/srtp_fixture.hpp"

namespace sluice {
namespace {

using srtp_test::BackendCase;
using srtp_test::Buffer;
using srtp_test::copy_of;
using srtp_test::RtpShape;
using srtp_test::Sealing;

class Oracle {
 public:
  Oracle(SrtpProfile profile, srtp_ssrc_type_t direction) : key_(srtp_test::key_salt(profile)) {
    static const bool initialised = srtp_init() == srtp_err_status_ok;
    EXPECT_TRUE(initialised);
    srtp_policy_t policy{};
    for (srtp_crypto_policy_t* crypto : {&policy.rtp, &policy.rtcp}) {
      if (profile == SrtpProfile::aes128_cm_sha1_80) srtp_crypto_policy_set_rtp_default(crypto);
      if (profile == SrtpProfile::aead_aes_128_gcm) srtp_crypto_policy_set_aes_gcm_128_16_auth(crypto);
      if (profile == SrtpProfile::aead_aes_256_gcm) srtp_crypto_policy_set_aes_gcm_256_16_auth(crypto);
    }
    policy.ssrc.type = direction;
    policy.key = reinterpret_cast<unsigned char*>(key_.data());
    policy.window_size = 1024;
    EXPECT_EQ(srtp_create(&session_, &policy), srtp_err_status_ok);
  }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;
  ~Oracle() { srtp_dealloc(session_); }

  Buffer protect(Buffer packet) { return call(&srtp_protect, std::move(packet)); }
  Buffer unprotect(Buffer packet) { return call(&srtp_unprotect, std::move(packet)); }
  Buffer protect_rtcp(Buffer packet) { return call(&srtp_protect_rtcp, std::move(packet)); }
  Buffer unprotect_rtcp(Buffer packet) { return call(&srtp_unprotect_rtcp, std::move(packet)); }
  void set_roc(std::uint32_t ssrc, std::uint32_t roc) {
    EXPECT_EQ(srtp_set_stream_roc(session_, ssrc, roc), srtp_err_status_ok);
  }

 private:
  // Empty if libsrtp refuses.
  Buffer call(srtp_err_status_t (*function)(srtp_t, void*, int*), Buffer packet) {
    int size = static_cast<int>(packet.size());
    packet.resize(packet.size() + SRTP_MAX_TRAILER_LEN + 4);
    if (function(session_, packet.data(), &size) != srtp_err_status_ok) size = 0;
    packet.resize(static_cast<std::size_t>(size));
    return packet;
  }
  Buffer key_;
  srtp_t session_ = nullptr;
};

struct Opening {
  explicit Opening(SrtpProfile profile, const BackendCase& with)
      : backend(with.open()), state{.keys = srtp_test::keys_of(profile)}, receiver(state, *backend) {}
  Buffer rtp(Buffer packet) {
    const auto opened = receiver.open_rtp(packet);
    return opened ? copy_of(*opened) : Buffer{};
  }
  Buffer rtcp(Buffer packet) {
    const auto opened = receiver.open_rtcp(packet);
    return opened ? copy_of(*opened) : Buffer{};
  }
  std::unique_ptr<SrtpBackend> backend;
  SrtpReceiverState state;
  SrtpReceiver receiver;
};

class Libsrtp : public ::testing::TestWithParam<std::tuple<SrtpProfile, BackendCase>> {
 protected:
  SrtpProfile profile = std::get<0>(GetParam());
  const BackendCase& backend = std::get<1>(GetParam());
  Sealing ours{profile, 0x1234'5678, backend};
};
INSTANTIATE_TEST_SUITE_P(all, Libsrtp,
                         ::testing::Combine(::testing::ValuesIn(srtp_test::all_profiles),
                                            ::testing::ValuesIn(srtp_test::all_backends())),
                         [](const auto& test) {
                           return std::get<1>(test.param).name + "_profile_" +
                                  std::to_string(static_cast<unsigned>(std::get<0>(test.param)));
                         });

TEST_P(Libsrtp, seals_rtp_of_every_size_to_the_same_bytes) {
  Oracle oracle(profile, ssrc_any_outbound);
  Opening opening(profile, backend);
  for (std::size_t size = 0; size <= 1400; ++size) {
    const RtpShape shape{
        .csrcs = static_cast<unsigned>(size % 16), .extension_words = static_cast<unsigned>(size % 7), .payload = size};
    const auto sequence = static_cast<std::uint16_t>(size);
    const Buffer plain = srtp_test::rtp_packet(sequence, shape);
    const Buffer sealed = ours.rtp(sequence, shape).value();
    ASSERT_EQ(sealed, oracle.protect(plain)) << size;
    ASSERT_EQ(opening.rtp(sealed), plain) << size;
  }
}

TEST_P(Libsrtp, agrees_over_rollovers) {
  Oracle sealing(profile, ssrc_any_outbound);
  Oracle opening(profile, ssrc_any_inbound);
  Opening our_opening(profile, backend);
  for (std::int64_t sequence = 1000; sequence < 4 * 65'536; sequence += 9'973) {
    const Buffer plain = srtp_test::rtp_packet(static_cast<std::uint16_t>(sequence));
    const Buffer sealed = ours.rtp(sequence).value();
    ASSERT_EQ(sealed, sealing.protect(plain)) << sequence;
    ASSERT_EQ(opening.unprotect(sealed), plain) << sequence;
    ASSERT_EQ(our_opening.rtp(sealed), plain) << sequence;
  }
}

TEST_P(Libsrtp, opens_at_a_rollover_counter_of_more_than_16_bits) {
  constexpr std::uint32_t roc = 0x8001'0203;
  Oracle opening(profile, ssrc_any_inbound);
  // libsrtp learns the SSRC from a first packet, then takes the counter it is told.
  ASSERT_FALSE(opening.unprotect(ours.rtp(1).value()).empty());
  opening.set_roc(0x1234'5678, roc);
  const std::int64_t sequence = (std::int64_t{roc} << 16) + 2;
  EXPECT_EQ(opening.unprotect(ours.rtp(sequence).value()), srtp_test::rtp_packet(2));
}

TEST_P(Libsrtp, judges_reordered_and_repeated_packets_alike) {
  Oracle oracle(profile, ssrc_any_inbound);
  Opening opening(profile, backend);
  std::mt19937 random(11);
  std::vector<Buffer> sealed;
  for (std::int64_t sequence = 64'000; sequence < 67'000; ++sequence)
    sealed.push_back(ours.rtp(sequence, {.payload = 20}).value());
  for (std::size_t i = 0; i < 6000; ++i) {
    const std::size_t centre = i / 2;
    const std::size_t at = centre - std::min<std::size_t>(centre, random() % 1100);
    ASSERT_EQ(opening.rtp(sealed[at]), oracle.unprotect(sealed[at])) << "step " << i << " packet " << at;
  }
}

TEST_P(Libsrtp, agrees_on_srtcp) {
  Oracle sealing(profile, ssrc_any_outbound);
  Oracle opening(profile, ssrc_any_inbound);
  Opening our_opening(profile, backend);
  ours.state.next_srtcp_index = 1;  // libsrtp's first
  for (std::size_t size = 0; size <= 1400; size += 4) {
    const Buffer plain = srtp_test::rtcp_packet(0x1234'5678, size);
    const Buffer sealed = ours.rtcp(plain).value();
    ASSERT_EQ(sealed, sealing.protect_rtcp(plain)) << size;
    ASSERT_EQ(opening.unprotect_rtcp(sealed), plain) << size;
    ASSERT_EQ(our_opening.rtcp(sealed), plain) << size;
    ASSERT_TRUE(our_opening.rtcp(sealed).empty());
  }
}

TEST_P(Libsrtp, opens_srtcp_after_an_adoption) {
  Oracle opening(profile, ssrc_any_inbound);
  const Buffer plain = srtp_test::rtcp_packet(0x1234'5678, 24);
  ASSERT_EQ(opening.unprotect_rtcp(ours.rtcp(plain).value()), plain);
  SrtpSealer successor(ours.state, ours.backend);
  Buffer out(plain.size() + srtcp_overhead_max);
  SealJob job = rtcp_seal_job(*successor.claim_rtcp(Ssrc{0x1234'5678}), plain, out);
  ours.backend.seal({&job, 1});
  out.resize(job.result.value());
  EXPECT_EQ(opening.unprotect_rtcp(out), plain);
}

TEST_P(Libsrtp, a_stream_goes_on_after_adoption_in_the_middle_of_a_rollover) {
  Oracle opening(profile, ssrc_any_inbound);
  ASSERT_FALSE(opening.unprotect(ours.rtp(30'000).value()).empty());
  ASSERT_FALSE(opening.unprotect(ours.rtp(60'000).value()).empty());
  ASSERT_FALSE(opening.unprotect(ours.rtp(65'535).value()).empty());
  SrtpSender successor(ours.sender_state, ours.sealer, Ssrc{0x1234'5678});
  ours.sender = std::move(successor);
  EXPECT_EQ(opening.unprotect(ours.rtp(ours.sender.next().value).value()), srtp_test::rtp_packet(0));
}

}  // namespace
}  // namespace sluice
