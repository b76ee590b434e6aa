#include "dataplane/packet/dtls_records.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

/// One record with a body of this many bytes.
std::vector<std::byte> record(unsigned type, unsigned major, unsigned size) {
  std::vector<std::byte> bytes(13 + size, std::byte{7});
  bytes[0] = static_cast<std::byte>(type);
  bytes[1] = static_cast<std::byte>(major);
  bytes[11] = static_cast<std::byte>(size >> 8U);
  bytes[12] = static_cast<std::byte>(size & 0xffU);
  return bytes;
}
std::vector<std::byte> operator+(std::vector<std::byte> a, const std::vector<std::byte>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(DtlsRecords, OneOrMoreWholeRecordsAre) {
  EXPECT_TRUE(holds_dtls_records(record(22, 0xfe, 300)));
  EXPECT_TRUE(holds_dtls_records(record(22, 0xfe, 0)));
  EXPECT_TRUE(holds_dtls_records(record(22, 0xfe, 70) + record(20, 0xfe, 1) + record(22, 0xfe, 48)));
  for (unsigned type = 20; type <= 26; ++type) EXPECT_TRUE(holds_dtls_records(record(type, 0xfe, 5))) << type;
}

TEST(DtlsRecords, TruncatedAtAnyByteTheyAreNot) {
  const auto whole = record(22, 0xfe, 20) + record(21, 0xfe, 2);
  const std::size_t first = 33;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(holds_dtls_records(Bytes(whole).first(size)), size == first) << size;
  }
}

TEST(DtlsRecords, OtherTypesVersionsAndTailsAreNot) {
  EXPECT_FALSE(holds_dtls_records(record(19, 0xfe, 5)));
  EXPECT_FALSE(holds_dtls_records(record(27, 0xfe, 5)));
  EXPECT_FALSE(holds_dtls_records(record(22, 0x03, 5)));  // TLS
  EXPECT_FALSE(holds_dtls_records(record(22, 0xfe, 5) + std::vector<std::byte>{std::byte{22}}));
  EXPECT_FALSE(holds_dtls_records(record(22, 0xfe, 5) + record(22, 0x03, 5)));
}

}  // namespace
}  // namespace sluice
