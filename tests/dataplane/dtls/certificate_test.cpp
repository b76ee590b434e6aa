#include "dataplane/dtls/certificate.hpp"

#include <gtest/gtest.h>

#include "tests/dataplane/dtls/dtls_fixture.hpp"

namespace sluice {
namespace {

using dtls_test::Buffer;

TEST(Certificate, survives_serialisation) {
  const Certificate& original = dtls_test::server_certificate();
  const Buffer bytes = original.serialize();
  const auto parsed = Certificate::parse(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->fingerprint().same_as(original.fingerprint()));
  EXPECT_NO_THROW(DtlsContext{*parsed});
}

TEST(Certificate, is_refused_truncated_extended_or_with_another_key) {
  const Buffer good = dtls_test::server_certificate().serialize();
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(Certificate::parse(Bytes(good).first(size)));
  Buffer longer = good;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(Certificate::parse(longer));
  // The key is at the end: put another certificate's there.
  const Buffer other = dtls_test::client_certificate().serialize();
  const std::size_t key_size = good.size() - 12 - dtls_test::server_certificate().certificate_der().size();
  Buffer mixed = good;
  std::copy(other.end() - static_cast<std::ptrdiff_t>(key_size), other.end(),
            mixed.end() - static_cast<std::ptrdiff_t>(key_size));
  EXPECT_FALSE(Certificate::parse(mixed));
}

TEST(Certificate, is_another_each_time) {
  EXPECT_FALSE(dtls_test::server_certificate().fingerprint().same_as(dtls_test::client_certificate().fingerprint()));
}

TEST(Fingerprint, reads_as_in_sdp) {
  // SHA-256 of the empty string.
  EXPECT_EQ(Fingerprint::of({}).to_text(),
            "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55");
  EXPECT_FALSE(Fingerprint::from_bytes(Buffer(20)));
  EXPECT_TRUE(Fingerprint::from_bytes(Buffer(32)));
}

}  // namespace
}  // namespace sluice
