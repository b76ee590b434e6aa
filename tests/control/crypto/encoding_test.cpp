#include "control/crypto/encoding.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

namespace sluice {
namespace {

// RFC 4648 section 10.
constexpr std::array<std::pair<const char*, const char*>, 7> vectors{{{"", ""},
                                                                      {"f", "Zg=="},
                                                                      {"fo", "Zm8="},
                                                                      {"foo", "Zm9v"},
                                                                      {"foob", "Zm9vYg=="},
                                                                      {"fooba", "Zm9vYmE="},
                                                                      {"foobar", "Zm9vYmFy"}}};

TEST(Encoding, VectorsOfRfc4648) {
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64(as_bytes(std::string_view(plain))), encoded);
    std::string bare(encoded);
    while (bare.ends_with('=')) bare.pop_back();
    EXPECT_EQ(base64url(as_bytes(std::string_view(plain))), bare);
    EXPECT_EQ(from_base64url(bare), plain);
  }
  EXPECT_EQ(base64url(as_bytes(std::string_view("\xfb\xff"))), "-_8");
  EXPECT_EQ(base64(as_bytes(std::string_view("\xfb\xff"))), "+/8=");
  EXPECT_EQ(hex(as_bytes(std::string_view("\x00\xa9", 2))), "00a9");
}

TEST(Encoding, EachValueHasOneSpelling) {
  for (const char* text : {"Zg==", "Z", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm 9v", "Zm9v\n", "Zm9vY"}) {
    EXPECT_FALSE(from_base64url(text)) << text;
  }
}

}  // namespace
}  // namespace sluice
