#include "dataplane/srtp/session_keys.hpp"

#include <gtest/gtest.h>

#include "tests/dataplane/srtp/srtp_fixture.hpp"

namespace sluice {
namespace {

using srtp_test::Buffer;
using srtp_test::copy_of;
using srtp_test::from_hex;

TEST(SessionKeys, key_stream_is_that_of_rfc_3711_appendix_b2) {
  const Buffer key = from_hex("2B7E151628AED2A6ABF7158809CF4F3C");
  const Buffer counter = from_hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000");
  Buffer stream(48);
  aes_cm_keystream(key, counter, stream);
  EXPECT_EQ(stream,
            from_hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0"));
}

TEST(SessionKeys, derivation_is_that_of_rfc_3711_appendix_b3) {
  const auto keys = SrtpKeys::from_key_salt(SrtpProfile::aes128_cm_sha1_80,
                                            from_hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6"));
  ASSERT_TRUE(keys);
  const SessionKeys session = derive_session_keys(*keys);
  EXPECT_EQ(copy_of(Bytes(session.rtp.encryption).first(16)), from_hex("C61E7A93744F39EE10734AFE3FF7A087"));
  EXPECT_EQ(copy_of(session.rtp.salt), from_hex("30CBBC08863D8C85D49DB34A9AE1"));
  EXPECT_EQ(copy_of(session.rtp.authentication), from_hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

TEST(SessionKeys, rtp_and_rtcp_differ_in_every_key) {
  for (const SrtpProfile profile : srtp_test::all_profiles) {
    const SessionKeys session = derive_session_keys(srtp_test::keys_of(profile));
    EXPECT_NE(session.rtp.encryption, session.rtcp.encryption);
    EXPECT_NE(session.rtp.salt, session.rtcp.salt);
    EXPECT_EQ(profile == SrtpProfile::aes128_cm_sha1_80, session.rtp.authentication != session.rtcp.authentication);
  }
}

TEST(SrtpKeys, are_refused_unless_profile_and_size_fit) {
  const Buffer bytes(46);
  EXPECT_FALSE(SrtpKeys::from_key_salt(SrtpProfile::none, {}));
  EXPECT_FALSE(SrtpKeys::from_key_salt(static_cast<SrtpProfile>(0x0002), bytes));
  for (const SrtpProfile profile : srtp_test::all_profiles) {
    const std::size_t size = sizes_of(profile).master_key + sizes_of(profile).master_salt;
    EXPECT_TRUE(SrtpKeys::from_key_salt(profile, Bytes(bytes).first(size)));
    EXPECT_FALSE(SrtpKeys::from_key_salt(profile, Bytes(bytes).first(size - 1)));
    EXPECT_FALSE(SrtpKeys::from_key_salt(profile, Buffer(size + 1)));
  }
}

TEST(SrtpKeys, wipe_leaves_zeros) {
  SrtpKeys keys = srtp_test::keys_of(SrtpProfile::aead_aes_256_gcm);
  EXPECT_TRUE(keys.usable());
  keys.wipe();
  const auto bytes = std::as_bytes(std::span(&keys, 1));
  EXPECT_EQ(copy_of(bytes), Buffer(sizeof keys));
  EXPECT_FALSE(keys.usable());
}

TEST(SrtpKeys, no_keys_derive_nothing) {
  EXPECT_EQ(derive_session_keys(SrtpKeys{}).profile, SrtpProfile::none);
}

}  // namespace
}  // namespace sluice
