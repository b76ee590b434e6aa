#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "shm/types/bytes.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// The ids negotiated for the header extensions that we understand (a=extmap); 0 = not negotiated. Standard layout,
/// all-zero is valid.
struct HeaderExtensionIds {
  std::uint8_t mid = 0;                // urn:ietf:params:rtp-hdrext:sdes:mid
  std::uint8_t rid = 0;                // urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
  std::uint8_t repaired_rid = 0;       // urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
  std::uint8_t transport_wide_cc = 0;  // draft-holmer-rmcat-transport-wide-cc-extensions-01
  std::uint8_t abs_send_time = 0;      // webrtc.org/experiments/rtp-hdrext/abs-send-time
  std::uint8_t audio_level = 0;        // RFC 6464
  std::uint8_t video_orientation = 0;  // 3GPP TS 26.114, urn:3gpp:video-orientation
  std::uint8_t playout_delay = 0;      // webrtc.org/experiments/rtp-hdrext/playout-delay
  friend constexpr bool operator==(const HeaderExtensionIds&, const HeaderExtensionIds&) = default;
};

// Each codec takes the data of one element. Parsers give nothing for data of a wrong size or content.

/// The text of mid, rid or repaired rid (RFC 9143 section 14, RFC 8852): 1 to 31 characters that may stand in SDP as a
/// token; borrows.
[[nodiscard]] std::optional<std::string_view> parse_sdes_text(Bytes data) noexcept;

/// RFC 6464 section 3: | V | level (7) |
struct AudioLevel {
  std::uint8_t minus_dbov = 127;  // 0 loudest, 127 silence
  bool voice = false;
  friend constexpr bool operator==(AudioLevel, AudioLevel) = default;
};
[[nodiscard]] std::optional<AudioLevel> parse_audio_level(Bytes data) noexcept;
[[nodiscard]] std::array<std::byte, 1> encode_audio_level(AudioLevel level) noexcept;

/// Two bytes that count every packet of a transport, all streams together; wraps.
[[nodiscard]] std::optional<std::uint16_t> parse_transport_sequence_number(Bytes data) noexcept;
[[nodiscard]] std::array<std::byte, 2> encode_transport_sequence_number(std::uint16_t number) noexcept;

/// 24 bits, seconds as 6.18 fixed point: wraps every 64 s.
[[nodiscard]] std::optional<std::uint32_t> parse_abs_send_time(Bytes data) noexcept;
[[nodiscard]] std::array<std::byte, 3> encode_abs_send_time(std::uint32_t value) noexcept;
/// The abs-send-time value of a moment of our clock; its epoch does not matter to receivers, only differences do.
[[nodiscard]] std::uint32_t abs_send_time_of(TimePoint time) noexcept;

/// | 0 0 0 0 | C (camera) | F (flip) | R1 R0 (rotation in quarter turns) |
struct VideoOrientation {
  std::uint16_t rotation_degrees = 0;  // 0, 90, 180, 270
  bool flipped = false;
  bool back_camera = false;
  friend constexpr bool operator==(VideoOrientation, VideoOrientation) = default;
};
[[nodiscard]] std::optional<VideoOrientation> parse_video_orientation(Bytes data) noexcept;
[[nodiscard]] std::array<std::byte, 1> encode_video_orientation(VideoOrientation orientation) noexcept;

/// | MIN (12) | MAX (12) |, both in units of 10 ms.
struct PlayoutDelay {
  std::uint16_t min_10ms = 0;  // 0..4095
  std::uint16_t max_10ms = 0;  // 0..4095, >= min
  friend constexpr bool operator==(PlayoutDelay, PlayoutDelay) = default;
};
[[nodiscard]] std::optional<PlayoutDelay> parse_playout_delay(Bytes data) noexcept;
[[nodiscard]] std::array<std::byte, 3> encode_playout_delay(PlayoutDelay delay) noexcept;

}  // namespace sluice
