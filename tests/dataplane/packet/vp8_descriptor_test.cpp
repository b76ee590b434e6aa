#include "dataplane/packet/vp8_descriptor.hpp"

#include <gtest/gtest.h>

#include "tests/dataplane/packet/packet_bytes.hpp"

namespace sluice {
namespace {

struct Case {
  const char* what;
  const char* hex;
  std::uint8_t size;
  std::optional<std::uint16_t> picture_id;
  std::optional<std::uint8_t> tl0;
  std::optional<std::uint8_t> tid;
  bool sync;
  std::optional<std::uint8_t> key_index;
};

// RFC 7741 section 4.2, one row per combination that matters.
const Case cases[] = {
    {"no extension", "10 01", 1, {}, {}, {}, false, {}},
    {"extension byte with nothing", "90 00 01", 2, {}, {}, {}, false, {}},
    {"7-bit picture id", "90 80 7f 01", 3, 127, {}, {}, false, {}},
    {"15-bit picture id", "90 80 ffff 01", 4, 0x7fff, {}, {}, false, {}},
    {"tl0picidx alone", "90 40 2a 01", 3, {}, 42, {}, false, {}},
    {"tid and sync", "90 20 a0 01", 3, {}, {}, 2, true, {}},
    {"keyidx alone: tid bits are not for us", "90 10 df 01", 3, {}, {}, {}, false, 31},
    {"tid and keyidx share a byte", "90 30 45 01", 3, {}, {}, 1, false, 5},
    {"everything", "b0 f0 8123 10 e3 01", 6, 0x0123, 16, 3, true, 3},
};

TEST(Vp8Descriptor, ReadsEachField) {
  for (const Case& c : cases) {
    const auto payload = bytes_of_hex(c.hex);
    const auto descriptor = Vp8Descriptor::parse(payload);
    ASSERT_TRUE(descriptor) << c.what;
    EXPECT_EQ(descriptor->size, c.size) << c.what;
    EXPECT_EQ(descriptor->picture_id, c.picture_id) << c.what;
    EXPECT_EQ(descriptor->tl0_picture_index, c.tl0) << c.what;
    EXPECT_EQ(descriptor->temporal_id, c.tid) << c.what;
    EXPECT_EQ(descriptor->layer_sync, c.sync) << c.what;
    EXPECT_EQ(descriptor->key_index, c.key_index) << c.what;
    EXPECT_FALSE(descriptor->key_frame) << c.what;
  }
}

TEST(Vp8Descriptor, SaysUnknownWhenCutAtAnyByteOfItself) {
  for (const Case& c : cases) {
    const auto payload = bytes_of_hex(c.hex);
    for (std::size_t size = 0; size <= c.size; ++size) EXPECT_FALSE(Vp8Descriptor::parse(cut(payload, size))) << c.what;
  }
}

TEST(Vp8Descriptor, KnowsAKeyFrameAndItsSize) {
  // Frame tag with P=0, start code, 640 and 360 little-endian with scale bits set.
  const auto payload = bytes_of_hex("10 50 4201 9d012a 8042 6881 00");
  const auto descriptor = Vp8Descriptor::parse(payload);
  ASSERT_TRUE(descriptor);
  EXPECT_TRUE(descriptor->key_frame);
  EXPECT_TRUE(descriptor->start_of_frame());
  EXPECT_EQ(descriptor->width, 640);
  EXPECT_EQ(descriptor->height, 360);
  for (std::size_t size = 2; size < 11; ++size) {
    const auto part = Vp8Descriptor::parse(cut(payload, size));
    ASSERT_TRUE(part);
    EXPECT_TRUE(part->key_frame);
    EXPECT_EQ(part->width, 0);
  }
}

TEST(Vp8Descriptor, LooksForAKeyFrameOnlyAtTheStartOfAFrame) {
  for (const char* hex : {"00 50 4201 9d012a 8042 6881", "11 50 4201 9d012a 8042 6881", "10 51 4201 9d012a 8042 6881"}) {
    const auto descriptor = Vp8Descriptor::parse(bytes_of_hex(hex));
    ASSERT_TRUE(descriptor);
    EXPECT_FALSE(descriptor->key_frame) << hex;
    EXPECT_EQ(descriptor->width, 0);
  }
  // A wrong start code: still marked as a key frame, but its size is not believed.
  const auto descriptor = Vp8Descriptor::parse(bytes_of_hex("10 50 4201 9d012b 8042 6881"));
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->width, 0);
}

TEST(Vp8Descriptor, RewritesInPlaceWithTheSameWidth) {
  auto payload = bytes_of_hex("b0 f0 8123 10 e3 01");
  const auto descriptor = Vp8Descriptor::parse(payload);
  ASSERT_TRUE(descriptor);
  descriptor->rewrite_picture_id(payload, 0x7abc);
  descriptor->rewrite_tl0_picture_index(payload, 0xee);
  EXPECT_EQ(payload, bytes_of_hex("b0 f0 fabc ee e3 01"));

  auto narrow = bytes_of_hex("90 80 05 01");
  Vp8Descriptor::parse(narrow)->rewrite_picture_id(narrow, 0x0181);
  EXPECT_EQ(narrow, bytes_of_hex("90 80 01 01"));

  auto bare = bytes_of_hex("10 01");
  Vp8Descriptor::parse(bare)->rewrite_picture_id(bare, 1);
  Vp8Descriptor::parse(bare)->rewrite_tl0_picture_index(bare, 1);
  EXPECT_EQ(bare, bytes_of_hex("10 01"));
}

}  // namespace
}  // namespace sluice
