#include "control/rooms/random_id.hpp"

#include <array>
#include <cstdint>

namespace sluice {

std::string random_uuid(Entropy& entropy) {
  std::array<std::byte, 16> bytes;
  entropy.fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[std::to_integer<std::size_t>(bytes[i] >> 4U)];
    text += digits[std::to_integer<std::size_t>(bytes[i] & std::byte{0x0F})];
  }
  return text;
}

std::string random_id(Entropy& entropy, std::string_view prefix, std::size_t length) {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string text(prefix);
  const std::size_t wanted = text.size() + length;
  text.reserve(wanted);
  while (text.size() < wanted) {
    std::byte drawn;
    entropy.fill(MutableBytes(&drawn, 1));
    // 252 is the largest multiple of 36 in a byte: drawing again above it keeps all characters equally likely.
    const auto value = std::to_integer<std::size_t>(drawn);
    if (value < 252) text += alphabet[value % alphabet.size()];
  }
  return text;
}

std::string random_token(Entropy& entropy) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<std::byte, 32> bytes;
  entropy.fill(bytes);
  std::string text;
  std::uint32_t bits = 0;
  int held = 0;
  for (const std::byte b : bytes) {
    bits = bits << 8U | std::to_integer<std::uint32_t>(b);
    for (held += 8; held >= 6; held -= 6) text += alphabet[bits >> static_cast<unsigned>(held - 6) & 63U];
  }
  text += alphabet[bits << static_cast<unsigned>(6 - held) & 63U];
  return text;
}

}  // namespace sluice
