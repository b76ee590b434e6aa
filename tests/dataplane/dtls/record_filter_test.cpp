#include "dataplane/dtls/record_filter.hpp"

#include <gtest/gtest.h>

#include "dataplane/dtls/dtls_limits.hpp"
#include "shm/types/byte_order.hpp"
#include "tests/dataplane/dtls/dtls_fixture.hpp"

namespace sluice {
namespace {

using dtls_test::Buffer;
using Verdict = RecordFilter::Verdict;

Buffer record(std::uint8_t type, std::uint16_t epoch, const Buffer& content) {
  Buffer bytes(13 + content.size());
  ByteWriter writer(bytes);
  writer.u8(type);
  writer.u16(0xfefd);
  writer.u16(epoch);
  writer.fill(std::byte{0}, 6);
  writer.u16(static_cast<std::uint16_t>(content.size()));
  writer.bytes(content);
  return bytes;
}

Buffer fragment(std::uint8_t type, std::uint32_t length, std::uint16_t sequence, std::uint32_t offset, std::uint32_t size) {
  Buffer bytes(12 + size);
  ByteWriter writer(bytes);
  writer.u8(type);
  writer.u24(length);
  writer.u16(sequence);
  writer.u24(offset);
  writer.u24(size);
  return record(22, 0, bytes);
}

TEST(RecordFilter, wants_whole_records) {
  RecordFilter filter;
  EXPECT_EQ(filter.check({}), Verdict::malformed);
  const Buffer good = record(22, 1, Buffer(40));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(filter.check(Bytes(good).first(size)), Verdict::malformed);
  EXPECT_EQ(filter.check(good), Verdict::pass);
  for (const std::uint8_t type : {std::uint8_t{19}, std::uint8_t{24}})
    EXPECT_EQ(filter.check(record(type, 1, {})), Verdict::malformed);
  Buffer tls = good;
  tls[1] = std::byte{3};
  EXPECT_EQ(filter.check(tls), Verdict::malformed);
}

TEST(RecordFilter, wants_fragments_inside_of_their_message) {
  RecordFilter filter;
  EXPECT_EQ(filter.check(fragment(1, 100, 0, 0, 100)), Verdict::pass);
  EXPECT_EQ(filter.check(fragment(1, 100, 0, 60, 40)), Verdict::pass);
  EXPECT_EQ(filter.check(fragment(1, 100, 0, 61, 40)), Verdict::malformed);
  EXPECT_EQ(filter.check(record(22, 0, Buffer(11))), Verdict::malformed);
}

TEST(RecordFilter, bounds_messages_and_certificates) {
  RecordFilter filter;
  EXPECT_EQ(filter.check(fragment(1, DtlsLimits::handshake_message_bytes_max, 0, 0, 100)), Verdict::pass);
  EXPECT_EQ(filter.check(fragment(1, DtlsLimits::handshake_message_bytes_max + 1, 0, 0, 100)), Verdict::over_limit);
  EXPECT_EQ(filter.check(fragment(11, DtlsLimits::certificate_bytes_max + 1, 0, 0, 100)), Verdict::over_limit);
  EXPECT_EQ(filter.check(fragment(1, 100, DtlsLimits::message_sequence_max, 0, 100)), Verdict::over_limit);
}

TEST(RecordFilter, bounds_what_lies_about_in_pieces) {
  RecordFilter messages;
  for (std::uint16_t i = 0; i < DtlsLimits::fragmented_messages_max; ++i) {
    EXPECT_EQ(messages.check(fragment(1, 1000, i, 0, 10)), Verdict::pass);
  }
  EXPECT_EQ(messages.check(fragment(1, 1000, 8, 0, 10)), Verdict::over_limit);
  EXPECT_EQ(messages.check(fragment(1, 1000, 8, 0, 1000)), Verdict::pass);

  RecordFilter pieces;
  for (std::uint32_t i = 0; i < DtlsLimits::fragments_max; ++i) {
    EXPECT_EQ(pieces.check(fragment(1, 1000, 0, i, 1)), Verdict::pass);
  }
  EXPECT_EQ(pieces.check(fragment(1, 1000, 0, 500, 1)), Verdict::over_limit);
}

}  // namespace
}  // namespace sluice
