#include "dataplane/srtp/srtp_backend.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/dataplane/srtp/srtp_fixture.hpp"

namespace sluice {
namespace {

using srtp_test::BackendCase;
using srtp_test::Buffer;
using srtp_test::copy_of;
using srtp_test::from_hex;
using srtp_test::Sealing;

class Backend : public ::testing::TestWithParam<BackendCase> {
 protected:
  std::unique_ptr<SrtpBackend> owned = GetParam().open();
  SrtpBackend& backend = *owned;
};
INSTANTIATE_TEST_SUITE_P(all, Backend, ::testing::ValuesIn(srtp_test::all_backends()),
                         [](const auto& test) { return test.param.name; });

// RFC 7714 sections 16 and 17 give session keys, so these work below the key derivation.
SessionKeys rfc_7714_keys(SrtpProfile profile) {
  SessionKeys keys;
  keys.profile = profile;
  for (std::size_t i = 0; i < sizes_of(profile).master_key; ++i) keys.rtp.encryption[i] = static_cast<std::byte>(i);
  std::ranges::copy(from_hex("517569642070726f2071756f"), keys.rtp.salt.begin());
  keys.rtcp = keys.rtp;
  return keys;
}

struct Vector {
  SrtpProfile profile;
  const char* sealed;
};

constexpr const char* rfc_7714_rtp =
    "8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
constexpr Vector rfc_7714_srtp[] = {
    {SrtpProfile::aead_aes_128_gcm,
     "8040f17b8041f8d35501a0b2 f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
     "899d7f27beb16a9152cf765ee4390cce"},
    {SrtpProfile::aead_aes_256_gcm,
     "8040f17b8041f8d35501a0b2 32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
     "7aa3db36dfffd6b0f9bb7878d7a76c13"},
};

constexpr const char* rfc_7714_rtcp =
    "81c8000d4d617273 4e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
constexpr Vector rfc_7714_srtcp[] = {
    {SrtpProfile::aead_aes_128_gcm,
     "81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b"
     "c84aa45896cf4d2fc5abf87245d9eade 800005d4"},
    {SrtpProfile::aead_aes_256_gcm,
     "81c8000d4d617273 d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad"
     "1d1eb30c4446839f57ff6f6cb26ac3be 800005d4"},
};

TEST_P(Backend, opens_the_srtp_packets_of_rfc_7714_section_16) {
  for (const Vector& vector : rfc_7714_srtp) {
    const auto context = backend.make_opening_context(rfc_7714_keys(vector.profile));
    Buffer packet = from_hex(vector.sealed);
    OpenJob job{context.get(), SrtpPacketKind::rtp, Ssrc{0x5501a0b2}, 0xf17b, 12, packet};
    backend.open({&job, 1});
    ASSERT_TRUE(job.result);
    packet.resize(*job.result);
    EXPECT_EQ(packet, from_hex(rfc_7714_rtp));
  }
}

TEST_P(Backend, opens_the_srtcp_packets_of_rfc_7714_section_17) {
  for (const Vector& vector : rfc_7714_srtcp) {
    const auto context = backend.make_opening_context(rfc_7714_keys(vector.profile));
    Buffer packet = from_hex(vector.sealed);
    OpenJob job{context.get(), SrtpPacketKind::rtcp, Ssrc{0x4d617273}, 0x5d4, 8, packet};
    backend.open({&job, 1});
    ASSERT_TRUE(job.result);
    packet.resize(*job.result);
    EXPECT_EQ(packet, from_hex(rfc_7714_rtcp));
  }
}

// Gives the RFC's session keys for any keys, so that tickets can be claimed for them.
class Rfc7714Backend final : public SrtpBackend {
 public:
  Rfc7714Backend(SrtpProfile profile, SrtpBackend& inner) : profile_(profile), inner_(inner) {}
  std::string_view name() const noexcept override { return "rfc 7714"; }
  std::unique_ptr<SealingContext> make_sealing_context(const SessionKeys&) override {
    return inner_.make_sealing_context(rfc_7714_keys(profile_));
  }
  std::unique_ptr<OpeningContext> make_opening_context(const SessionKeys&) override { return nullptr; }
  void seal(std::span<SealJob> jobs) noexcept override { inner_.seal(jobs); }
  void open(std::span<OpenJob> jobs) noexcept override { inner_.open(jobs); }

 private:
  SrtpProfile profile_;
  SrtpBackend& inner_;
};

TEST_P(Backend, seals_the_packets_of_rfc_7714) {
  for (std::size_t i = 0; i < std::size(rfc_7714_srtp); ++i) {
    Rfc7714Backend rfc(rfc_7714_srtp[i].profile, backend);
    SrtpSealerState state{.keys = srtp_test::keys_of(rfc_7714_srtp[i].profile)};
    state.next_srtcp_index = 0x5d4 - srtcp_adoption_skip;
    SrtpSealer sealer(state, rfc);
    SrtpSenderState sender_state;
    SrtpSender sender(sender_state, sealer, Ssrc{0x5501a0b2});

    const Buffer rtp = from_hex(rfc_7714_rtp);
    Buffer out(rtp.size() + srtp_overhead_max);
    SealJob job;
    job.ticket = *sender.claim({0xf17b});
    job.header = Bytes(rtp).first(12);
    job.payload = Bytes(rtp).subspan(12);
    job.out = out;
    backend.seal({&job, 1});
    ASSERT_TRUE(job.result);
    EXPECT_EQ(out, from_hex(rfc_7714_srtp[i].sealed));

    const Buffer rtcp = from_hex(rfc_7714_rtcp);
    Buffer rtcp_out(rtcp.size() + srtcp_overhead_max);
    SealJob rtcp_job = rtcp_seal_job(*sealer.claim_rtcp(Ssrc{0x4d617273}), rtcp, rtcp_out);
    backend.seal({&rtcp_job, 1});
    ASSERT_TRUE(rtcp_job.result);
    EXPECT_EQ(rtcp_out, from_hex(rfc_7714_srtcp[i].sealed));
  }
}

TEST_P(Backend, pieces_padding_and_sealing_in_place_give_the_packet_of_one_piece) {
  for (const SrtpProfile profile : srtp_test::all_profiles) {
    Buffer plain = srtp_test::rtp_packet(7, {.payload = 60});
    plain[0] |= std::byte{0x20};  // padding of 5: four zeros and the count
    for (std::size_t i = 1; i <= 5; ++i) plain[plain.size() - i] = i == 1 ? std::byte{5} : std::byte{0};
    const auto seal = [&](auto&& fill) {
      Sealing end(profile, 0x1234'5678, GetParam());
      Buffer out(plain.size() + srtp_overhead_max, std::byte{0xee});
      SealJob job;
      job.ticket = *end.sender.claim({7});
      job.header = Bytes(plain).first(12);
      job.out = out;
      fill(job, out);
      end.backend.seal({&job, 1});
      EXPECT_TRUE(job.result);
      out.resize(job.result.value_or(0));
      return out;
    };
    const Buffer whole = seal([&](SealJob& job, Buffer&) { job.payload = Bytes(plain).subspan(12); });
    EXPECT_EQ(whole.size(), plain.size() + sizes_of(profile).rtp_overhead());
    EXPECT_EQ(whole, seal([&](SealJob& job, Buffer&) {
                job.prefix = Bytes(plain).subspan(12, 2);
                job.payload = Bytes(plain).subspan(14, 53);
                job.padding = 5;
              }));
    EXPECT_EQ(whole, seal([&](SealJob& job, Buffer& out) {
                std::copy(plain.begin(), plain.end(), out.begin());
                job.header = Bytes(out).first(12);
                job.payload = Bytes(out).subspan(12, 60);
              }));
  }
}

TEST_P(Backend, refuses_a_spent_ticket_and_a_small_slot) {
  Sealing end(SrtpProfile::aead_aes_128_gcm, 0x1234'5678, GetParam());
  const Buffer plain = srtp_test::rtp_packet(1);
  Buffer out(plain.size() + 15);
  SealJob job;
  job.ticket = *end.sender.claim({1});
  job.header = Bytes(plain).first(12);
  job.payload = Bytes(plain).subspan(12);
  job.out = out;
  end.backend.seal({&job, 1});
  ASSERT_FALSE(job.result);
  EXPECT_EQ(job.result.error(), SrtpError::no_room);
  Buffer more(plain.size() + 16);
  job.out = more;
  end.backend.seal({&job, 1});
  ASSERT_FALSE(job.result);
  EXPECT_EQ(job.result.error(), SrtpError::index_used);
  EXPECT_EQ(more, Buffer(more.size()));
}

TEST_P(Backend, seals_a_batch_of_mixed_profiles_and_kinds) {
  std::vector<std::unique_ptr<Sealing>> ends;
  std::vector<SealJob> jobs;
  std::vector<Buffer> outs(6);
  const Buffer rtp = srtp_test::rtp_packet(3);
  const Buffer rtcp = srtp_test::rtcp_packet(0x1234'5678, 24);
  for (std::size_t i = 0; i < outs.size(); ++i) {
    ends.push_back(std::make_unique<Sealing>(srtp_test::all_profiles[i % 3], 0x1234'5678, GetParam()));
    outs[i].resize(200);
    if (i < 3) {
      SealJob job;
      job.ticket = *ends[i]->sender.claim({3});
      job.header = Bytes(rtp).first(12);
      job.payload = Bytes(rtp).subspan(12);
      job.out = outs[i];
      jobs.push_back(std::move(job));
    } else {
      jobs.push_back(rtcp_seal_job(*ends[i]->sealer.claim_rtcp(Ssrc{0x1234'5678}), rtcp, outs[i]));
    }
  }
  backend.seal(jobs);
  for (std::size_t i = 0; i < outs.size(); ++i) {
    SrtpReceiverState state{.keys = srtp_test::keys_of(srtp_test::all_profiles[i % 3])};
    SrtpReceiver receiver(state, backend);
    ASSERT_TRUE(jobs[i].result);
    outs[i].resize(*jobs[i].result);
    const auto opened = i < 3 ? receiver.open_rtp(outs[i]) : receiver.open_rtcp(outs[i]);
    ASSERT_TRUE(opened);
    EXPECT_EQ(copy_of(*opened), i < 3 ? rtp : rtcp);
  }
}

TEST_P(Backend, refuses_a_changed_bit_anywhere) {
  for (const SrtpProfile profile : srtp_test::all_profiles) {
    Sealing end(profile, 0x1234'5678, GetParam());
    const auto context = backend.make_opening_context(derive_session_keys(end.state.keys));
    const Buffer rtp = end.rtp(0x3'0001, {.csrcs = 2, .extension_words = 3, .payload = 33}).value();
    const Buffer rtcp = end.rtcp(srtp_test::rtcp_packet(0x1234'5678, 24)).value();
    for (const SrtpPacketKind kind : {SrtpPacketKind::rtp, SrtpPacketKind::rtcp}) {
      const bool is_rtp = kind == SrtpPacketKind::rtp;
      const Buffer& sealed = is_rtp ? rtp : rtcp;
      const auto opens = [&](std::size_t changed, std::uint64_t index) {
        Buffer packet = sealed;
        if (changed < packet.size() * 8) packet[changed / 8] ^= std::byte{1} << static_cast<int>(changed % 8);
        OpenJob job{context.get(), kind, Ssrc{0x1234'5678}, index, is_rtp ? std::size_t{36} : std::size_t{8}, packet};
        backend.open({&job, 1});
        EXPECT_TRUE(job.result || job.result.error() == SrtpError::bad_tag);
        return job.result.has_value();
      };
      const std::uint64_t index = is_rtp ? 0x3'0001 : srtcp_adoption_skip;
      ASSERT_TRUE(opens(sealed.size() * 8, index));
      if (is_rtp) {
        EXPECT_FALSE(opens(sealed.size() * 8, index + 0x1'0000)) << "another rollover counter";
      }
      for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) ASSERT_FALSE(opens(bit, index)) << bit;
    }
  }
}

TEST_P(Backend, makes_no_context_for_no_keys) {
  EXPECT_EQ(backend.make_sealing_context(SessionKeys{}), nullptr);
  EXPECT_EQ(backend.make_opening_context(SessionKeys{}), nullptr);
  OpenJob job;
  backend.open({&job, 1});
  ASSERT_FALSE(job.result);
  EXPECT_EQ(job.result.error(), SrtpError::no_key);
}

}  // namespace
}  // namespace sluice
