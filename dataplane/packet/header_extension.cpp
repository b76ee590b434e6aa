#include "dataplane/packet/header_extension.hpp"

#include <algorithm>

#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

// RFC 8866 section 9: what an SDP token is made of. A mid or rid goes back into SDP, logs and JSON.
bool is_token_character(char c) noexcept {
  constexpr std::string_view others = "!#$%&'*+-.^_`{|}~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         others.find(c) != std::string_view::npos;
}

template <std::size_t N>
std::array<std::byte, N> big_endian(std::uint32_t value) noexcept {
  std::array<std::byte, N> out;
  for (std::size_t i = 0; i < N; ++i) out[i] = static_cast<std::byte>(value >> (8 * (N - 1 - i)));
  return out;
}

}  // namespace

std::optional<std::string_view> parse_sdes_text(Bytes data) noexcept {
  constexpr std::size_t size_max = 31;
  if (data.empty() || data.size() > size_max) return std::nullopt;
  const std::string_view text = as_text(data);
  if (!std::all_of(text.begin(), text.end(), is_token_character)) return std::nullopt;
  return text;
}

std::optional<AudioLevel> parse_audio_level(Bytes data) noexcept {
  // RFC 6464 section 3: in the two-byte form a sender may pad to two bytes; the first one counts.
  if (data.empty() || data.size() > 2) return std::nullopt;
  const auto value = std::to_integer<std::uint8_t>(data[0]);
  return AudioLevel{.minus_dbov = static_cast<std::uint8_t>(value & 0x7fU), .voice = (value & 0x80U) != 0};
}

std::array<std::byte, 1> encode_audio_level(AudioLevel level) noexcept {
  const unsigned clamped = std::min<unsigned>(level.minus_dbov, 127);
  return {static_cast<std::byte>(clamped | (level.voice ? 0x80U : 0U))};
}

std::optional<std::uint16_t> parse_transport_sequence_number(Bytes data) noexcept {
  if (data.size() != 2) return std::nullopt;
  return load_u16(data, 0);
}

std::array<std::byte, 2> encode_transport_sequence_number(std::uint16_t number) noexcept {
  return big_endian<2>(number);
}

std::optional<std::uint32_t> parse_abs_send_time(Bytes data) noexcept {
  if (data.size() != 3) return std::nullopt;
  return ByteReader(data).u24();
}

std::array<std::byte, 3> encode_abs_send_time(std::uint32_t value) noexcept {
  return big_endian<3>(value);
}

std::uint32_t abs_send_time_of(TimePoint time) noexcept {
  // Whole seconds and the rest apart: seconds of uptime times 2^18 may wrap, nanoseconds times 2^18 must not.
  const auto ns = static_cast<std::uint64_t>(time.time_since_epoch().count());
  const std::uint64_t seconds = ns / 1'000'000'000U;
  const std::uint64_t fraction = ((ns % 1'000'000'000U) << 18U) / 1'000'000'000U;
  return static_cast<std::uint32_t>((seconds << 18U | fraction) & 0xffffffU);
}

std::optional<VideoOrientation> parse_video_orientation(Bytes data) noexcept {
  if (data.size() != 1) return std::nullopt;
  const auto value = std::to_integer<unsigned>(data[0]);
  return VideoOrientation{.rotation_degrees = static_cast<std::uint16_t>((value & 0x03U) * 90),
                          .flipped = (value & 0x04U) != 0,
                          .back_camera = (value & 0x08U) != 0};
}

std::array<std::byte, 1> encode_video_orientation(VideoOrientation orientation) noexcept {
  const unsigned turns = (orientation.rotation_degrees / 90U) & 0x03U;
  return {static_cast<std::byte>(turns | (orientation.flipped ? 0x04U : 0U) | (orientation.back_camera ? 0x08U : 0U))};
}

std::optional<PlayoutDelay> parse_playout_delay(Bytes data) noexcept {
  if (data.size() != 3) return std::nullopt;
  const std::uint32_t value = ByteReader(data).u24();
  const PlayoutDelay delay{.min_10ms = static_cast<std::uint16_t>(value >> 12U),
                           .max_10ms = static_cast<std::uint16_t>(value & 0xfffU)};
  if (delay.min_10ms > delay.max_10ms) return std::nullopt;
  return delay;
}

std::array<std::byte, 3> encode_playout_delay(PlayoutDelay delay) noexcept {
  const std::uint32_t min = std::min<std::uint32_t>(delay.min_10ms, 0xfff);
  const std::uint32_t max = std::min<std::uint32_t>(delay.max_10ms, 0xfff);
  return big_endian<3>(min << 12U | max);
}

}  // namespace sluice
