#include "shm/region/typed_segment.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace sluice {
namespace {

struct Example {
  static constexpr SegmentKind segment_kind = SegmentKind::recovery;
  static constexpr std::uint16_t segment_major = 3;
  static constexpr std::uint16_t segment_minor = 1;
  static constexpr std::uint64_t segment_layout_hash = 0xabcdef;
  SegmentHeader header;
  std::atomic<std::uint64_t> number;
  std::uint64_t more[1000];
};
using ExampleSegment = TypedSegment<Example>;

TEST(TypedSegment, is_the_same_memory_for_creator_and_attacher) {
  auto created = ExampleSegment::create("test", 7, [](Example& layout) { layout.number = 5; });
  ASSERT_TRUE(created);
  auto attached = ExampleSegment::attach(created->fd());
  ASSERT_TRUE(attached) << attached.error().to_string();
  EXPECT_EQ((*attached)->number, 5U);
  EXPECT_EQ(attached->incarnation(), 7U);
  (*attached)->number = 6;
  EXPECT_EQ((*created)->number, 6U);
  const auto reader = ExampleSegment::attach(created->fd(), Access::read_only);
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->number, 6U);
}

TEST(TypedSegment, refuses_each_differing_header_field_and_names_it) {
  struct Case {
    std::function<void(SegmentHeader&)> spoil;
    RegionFault fault;
    const char* words;
  };
  const Case cases[] = {
      {[](SegmentHeader& h) { h.ready = 0; }, RegionFault::not_ready, "ready"},
      {[](SegmentHeader& h) { h.ready = 2; }, RegionFault::not_ready, "ready"},
      {[](SegmentHeader& h) { h.magic ^= 1; }, RegionFault::wrong_magic, "magic"},
      {[](SegmentHeader& h) { h.kind = 1; }, RegionFault::wrong_kind, "kind"},
      {[](SegmentHeader& h) { h.major = 4; }, RegionFault::wrong_version, "major version"},
      {[](SegmentHeader& h) { h.layout_hash = 1; }, RegionFault::wrong_layout_hash,
       "layout hash differs (found 0x1, expected 0xabcdef)"},
      {[](SegmentHeader& h) { h.size_bytes += 8; }, RegionFault::wrong_size, "size"},
  };
  for (const Case& test : cases) {
    auto segment = ExampleSegment::create("test", 1);
    ASSERT_TRUE(segment);
    test.spoil((*segment)->header);
    const auto refused = ExampleSegment::attach(segment->fd());
    ASSERT_FALSE(refused) << test.words;
    EXPECT_EQ(refused.error().fault, test.fault) << test.words;
    EXPECT_NE(refused.error().to_string().find(test.words), std::string::npos) << refused.error().to_string();
  }
}

TEST(TypedSegment, accepts_another_minor_version) {
  auto segment = ExampleSegment::create("test", 1);
  ASSERT_TRUE(segment);
  (*segment)->header.minor = 9;
  EXPECT_TRUE(ExampleSegment::attach(segment->fd()));
}

TEST(TypedSegment, refuses_a_region_that_is_too_small) {
  auto segment = ExampleSegment::create("test", 1);
  auto small = Region::create("small", 4096);
  ASSERT_TRUE(segment && small);
  std::copy_n(segment->region().bytes().begin(), 4096, small->bytes().begin());
  const auto refused = ExampleSegment::attach(small->fd());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, RegionFault::too_small);
  EXPECT_FALSE(ExampleSegment::attach_or_format(small->fd(), 1));
  auto tiny = Region::create("tiny", 64);
  ASSERT_TRUE(tiny);
  EXPECT_FALSE(ExampleSegment::attach(tiny->fd()));
}

TEST(TypedSegment, formats_a_blank_region_once_and_attaches_after_that) {
  auto blank = Region::create("blank", 1 << 20);
  ASSERT_TRUE(blank);
  bool formatted = false;
  auto first = ExampleSegment::attach_or_format(blank->fd(), 4, [](Example& layout) { layout.number = 1; }, &formatted);
  ASSERT_TRUE(first);
  EXPECT_TRUE(formatted);
  (*first)->number = 2;
  auto second = ExampleSegment::attach_or_format(blank->fd(), 5, [](Example& layout) { layout.number = 1; }, &formatted);
  ASSERT_TRUE(second);
  EXPECT_FALSE(formatted);
  EXPECT_EQ((*second)->number, 2U);
  EXPECT_EQ(second->incarnation(), 4U);
}

TEST(TypedSegment, formats_again_what_died_before_it_was_ready) {
  auto blank = Region::create("blank", sizeof(Example));
  ASSERT_TRUE(blank);
  std::fill(blank->bytes().begin() + 128, blank->bytes().end(), std::byte{0xff});
  auto segment = ExampleSegment::attach_or_format(blank->fd(), 1);
  ASSERT_TRUE(segment);
  EXPECT_EQ((*segment)->number, 0U);
  EXPECT_EQ((*segment)->more[999], 0U);
}

TEST(LayoutHash, depends_on_every_offset_size_and_inner_layout) {
  constexpr std::uint64_t base = layout_hash(16, {{0, 8}, {8, 8}}, {1});
  EXPECT_EQ(base, layout_hash(16, {{0, 8}, {8, 8}}, {1}));
  EXPECT_NE(base, layout_hash(24, {{0, 8}, {8, 8}}, {1}));
  EXPECT_NE(base, layout_hash(16, {{8, 8}, {0, 8}}, {1}));
  EXPECT_NE(base, layout_hash(16, {{0, 8}, {8, 4}}, {1}));
  EXPECT_NE(base, layout_hash(16, {{0, 8}, {8, 8}}, {2}));
}

}  // namespace
}  // namespace sluice
