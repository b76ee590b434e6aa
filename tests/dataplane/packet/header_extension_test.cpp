#include "dataplane/packet/header_extension.hpp"

#include <gtest/gtest.h>

#include "tests/dataplane/packet/packet_bytes.hpp"

namespace sluice {
namespace {

TEST(HeaderExtension, TakesTokensAsMidAndRidAndNothingElse) {
  EXPECT_EQ(parse_sdes_text(as_bytes("audio-0")), "audio-0");
  EXPECT_EQ(parse_sdes_text(as_bytes(std::string(31, 'a'))), std::string(31, 'a'));
  EXPECT_FALSE(parse_sdes_text(as_bytes(std::string(32, 'a'))));
  using namespace std::string_view_literals;
  for (const std::string_view bad : {""sv, "a b"sv, "a\n"sv, "a\""sv, "\xc3\xa4"sv, "a\0"sv})
    EXPECT_FALSE(parse_sdes_text(as_bytes(bad))) << bad;
}

TEST(HeaderExtension, RoundTripsEveryFixedCodec) {
  for (const AudioLevel level : {AudioLevel{0, true}, AudioLevel{127, false}, AudioLevel{30, true}})
    EXPECT_EQ(parse_audio_level(encode_audio_level(level)), level);
  for (const std::uint16_t number : std::initializer_list<std::uint16_t>{0, 1, 0x1234, 0xffff})
    EXPECT_EQ(parse_transport_sequence_number(encode_transport_sequence_number(number)), number);
  for (const std::uint32_t value : {0U, 0x123456U, 0xffffffU})
    EXPECT_EQ(parse_abs_send_time(encode_abs_send_time(value)), value);
  for (const std::uint16_t degrees : std::initializer_list<std::uint16_t>{0, 90, 180, 270}) {
    for (const bool flag : {false, true}) {
      const VideoOrientation orientation{degrees, flag, !flag};
      EXPECT_EQ(parse_video_orientation(encode_video_orientation(orientation)), orientation);
    }
  }
  for (const PlayoutDelay delay : {PlayoutDelay{0, 0}, PlayoutDelay{1, 4095}, PlayoutDelay{4095, 4095}})
    EXPECT_EQ(parse_playout_delay(encode_playout_delay(delay)), delay);
}

TEST(HeaderExtension, RefusesOtherSizes) {
  const std::vector<std::byte> data(8, std::byte{1});
  for (std::size_t size = 0; size <= data.size(); ++size) {
    const Bytes part = Bytes(data).first(size);
    EXPECT_EQ(parse_audio_level(part).has_value(), size == 1 || size == 2);
    EXPECT_EQ(parse_transport_sequence_number(part).has_value(), size == 2);
    EXPECT_EQ(parse_abs_send_time(part).has_value(), size == 3);
    EXPECT_EQ(parse_video_orientation(part).has_value(), size == 1);
    EXPECT_EQ(parse_playout_delay(part).has_value(), size == 3);
  }
  EXPECT_FALSE(parse_playout_delay(bytes_of({0x00, 0x20, 0x01})));  // min 2 above max 1
}

TEST(HeaderExtension, CountsAbsSendTimeInSixPointEighteen) {
  EXPECT_EQ(abs_send_time_of(TimePoint(std::chrono::seconds(1))), 1U << 18U);
  EXPECT_EQ(abs_send_time_of(TimePoint(std::chrono::seconds(64))), 0U);
  EXPECT_EQ(abs_send_time_of(TimePoint(std::chrono::milliseconds(63500))), (63U << 18U) + (1U << 17U));
  // A machine that is up for years.
  EXPECT_EQ(abs_send_time_of(TimePoint(std::chrono::hours(24 * 3650) + std::chrono::milliseconds(250))),
            ((24ULL * 3650 * 3600 << 18U) + (1U << 16U)) & 0xffffffU);
}

}  // namespace
}  // namespace sluice
