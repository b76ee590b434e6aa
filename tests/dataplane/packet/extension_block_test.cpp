#include "dataplane/packet/extension_block.hpp"

#include <gtest/gtest.h>

#include "tests/dataplane/packet/packet_bytes.hpp"

namespace sluice {
namespace {

constexpr std::uint16_t one_byte = ExtensionBlock::one_byte_profile;
constexpr std::uint16_t two_byte = ExtensionBlock::two_byte_profile;

std::vector<unsigned> ids_of(std::uint16_t profile, Bytes elements) {
  std::vector<unsigned> ids;
  ExtensionBlock(profile, elements).for_each([&](const ExtensionElement& element) { ids.push_back(element.id); });
  return ids;
}

struct Case {
  const char* what;
  std::uint16_t profile;
  const char* hex;
  std::vector<unsigned> ids;
  bool valid;
};

TEST(ExtensionBlock, FollowsRfc8285) {
  const Case cases[] = {
      {"elements with padding between and behind", one_byte, "10aa 0000 2001 30bb 00 00", {1, 2, 3}, true},
      {"the shortest and the longest one-byte element",
       one_byte,
       "1000 2f000102030405060708090a0b0c0d0e0f 00",
       {1, 2},
       true},
      {"id 15 ends the block", one_byte, "10aa f0bb 20cc", {1}, true},
      {"id 15 with a length that reaches out ends it as well", one_byte, "10aa ff", {1}, true},
      {"id 0 with a length ends the block", one_byte, "10aa 03bb 20cc", {1}, true},
      {"one-byte element that reaches out", one_byte, "10aa 21bb", {1}, false},
      {"two-byte elements, one of them empty", two_byte, "0100 0202aabb 0f01cc 00", {1, 2, 15}, true},
      {"application bits do not matter", 0x100f, "0101aa", {1}, true},
      {"two-byte element of 255 claimed", two_byte, "01ffaa", {}, false},
      {"two-byte element without its length", two_byte, "0100 02", {1}, false},
      {"padding alone", two_byte, "00000000", {}, true},
      {"nothing", one_byte, "", {}, true},
      {"another profile", 0x1234, "11223344", {}, true},
  };
  for (const Case& c : cases) {
    const auto elements = bytes_of_hex(c.hex);
    EXPECT_EQ(ids_of(c.profile, elements), c.ids) << c.what;
    EXPECT_EQ(ExtensionBlock(c.profile, elements).valid(), c.valid) << c.what;
  }
}

TEST(ExtensionBlock, FindsTheDataAndItsOffset) {
  const auto elements = bytes_of_hex("10aa 00 32010203");
  const ExtensionElement found = ExtensionBlock(one_byte, elements).find(3);
  EXPECT_EQ(found.id, 3);
  EXPECT_EQ(found.offset, 4U);
  EXPECT_EQ(found.data.size(), 3U);
  EXPECT_EQ(ExtensionBlock(one_byte, elements).find(2).id, 0);
}

}  // namespace
}  // namespace sluice
