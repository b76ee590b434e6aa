#include "control/signaling/socketio/engine_packet.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::socketio {
namespace {

std::vector<std::string> read_all(std::string_view body, bool& failed) {
  PayloadReader reader(body);
  std::vector<std::string> packets;
  while (const auto packet = reader.next()) {
    packets.push_back(std::to_string(static_cast<int>(packet->type)) + (packet->binary ? "b" : "") +
                      std::string(packet->data));
  }
  failed = reader.failed();
  return packets;
}

TEST(EnginePacket, EveryTypeIsReadFromItsDigit) {
  std::string scratch;
  for (char digit = '0'; digit <= '6'; ++digit) {
    const auto packet = read_engine_text(std::string(1, digit) + "data", scratch);
    ASSERT_TRUE(packet);
    EXPECT_EQ(static_cast<int>(packet->type), digit - '0');
    EXPECT_EQ(packet->data, "data");
    EXPECT_FALSE(packet->binary);
  }
  for (const char* text : {"", "7", "abc", "-1", " 4", "/"}) EXPECT_FALSE(read_engine_text(text, scratch)) << text;
}

TEST(EnginePacket, BinaryIsBase64AfterALetter) {
  std::string scratch;
  const auto packet = read_engine_text("bAQIDBA==", scratch);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->binary);
  EXPECT_EQ(packet->type, EngineType::message);
  EXPECT_EQ(packet->data, std::string("\x01\x02\x03\x04"));
  EXPECT_FALSE(read_engine_text("b!!!", scratch));
  EXPECT_FALSE(read_engine_text("bA", scratch));
}

TEST(EnginePacket, APayloadIsPacketsWithASeparatorBetween) {
  bool failed = false;
  EXPECT_EQ(read_all("4hello\x1e"
                     "2\x1e"
                     "4world\x1e"
                     "bAQI=",
                     failed),
            (std::vector<std::string>{"4hello", "2", "4world", "4b\x01\x02"}));
  EXPECT_FALSE(failed);
  EXPECT_EQ(read_all("4", failed), std::vector<std::string>{"4"});
  EXPECT_FALSE(failed);
}

TEST(EnginePacket, ReadingStopsAtTheFirstUnknownPacket) {
  bool failed = false;
  EXPECT_EQ(read_all("4a\x1e"
                     "9\x1e"
                     "4b",
                     failed),
            std::vector<std::string>{"4a"});
  EXPECT_TRUE(failed);
  for (const char* body : {"", "abc", "4a\x1e",
                           "\x1e"
                           "4a",
                           "4a\x1e\x1e"
                           "4b"}) {
    failed = false;
    read_all(body, failed);
    EXPECT_TRUE(failed) << body;
  }
}

TEST(EnginePacket, Base64GoesThereAndBackAtEveryLength) {
  std::string bytes;
  for (int length = 0; length < 70; ++length) {
    std::string text;
    base64_append(text, bytes);
    EXPECT_EQ(text.size(), (bytes.size() + 2) / 3 * 4);
    std::string back;
    ASSERT_TRUE(base64_decode(text, back));
    EXPECT_EQ(back, bytes);
    bytes += static_cast<char>(length * 37);
  }
  std::string text;
  base64_append(text, "\xfb\xff");
  EXPECT_EQ(text, "+/8=");
}

TEST(EnginePacket, Utf8IsStrict) {
  for (const char* good :
       {"", "abc", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "12345678\xc3\xa4"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xff", "12345678\xe2\x82"})
    EXPECT_FALSE(is_utf8(bad));
}

}  // namespace
}  // namespace sluice::socketio
