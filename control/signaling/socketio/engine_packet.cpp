#include "control/signaling/socketio/engine_packet.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace sluice::socketio {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return digits;
}
constexpr auto digit_of = make_digits();

}  // namespace

bool base64_decode(std::string_view text, std::string& out) {
  out.clear();
  for (int padding = 0; padding < 2 && !text.empty() && text.back() == '='; ++padding) text.remove_suffix(1);
  if (text.size() % 4 == 1) return false;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::uint8_t digit = digit_of[static_cast<unsigned char>(c)];
    if (digit == no_digit) return false;
    bits = bits << 6U | digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(static_cast<unsigned char>(bits >> held));
    }
  }
  return true;
}

void base64_append(std::string& out, std::string_view bytes) {
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group = byte(i) << 16U | byte(i + 1) << 8U | byte(i + 2);
    for (const unsigned shift : {18U, 12U, 6U, 0U}) out += alphabet[group >> shift & 63U];
  }
  const std::size_t left = bytes.size() - i;
  if (left == 0) return;
  const std::uint32_t group = byte(i) << 16U | (left == 2 ? byte(i + 1) << 8U : 0U);
  out += alphabet[group >> 18U];
  out += alphabet[group >> 12U & 63U];
  out += left == 2 ? alphabet[group >> 6U & 63U] : '=';
  out += '=';
}

bool is_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  const auto at = [&](std::size_t j) { return static_cast<unsigned char>(text[j]); };
  while (i < text.size()) {
    // Eight ASCII bytes at a time: nearly all of signaling.
    while (i + 8 <= text.size()) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, text.data() + i, 8);
      if ((eight & 0x8080808080808080ULL) != 0) break;
      i += 8;
    }
    if (i == text.size()) break;
    const unsigned char lead = at(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                               : lead >= 0xE0 && lead < 0xF0 ? 3
                               : lead >= 0xF0 && lead < 0xF5 ? 4
                                                             : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (std::size_t j = 1; j < length; ++j) {
      if ((at(i + j) & 0xC0U) != 0x80U) return false;
    }
    const unsigned char second = at(i + 1);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) || (lead == 0xF0 && second < 0x90) ||
        (lead == 0xF4 && second >= 0x90))
      return false;
    i += length;
  }
  return true;
}

std::optional<EnginePacket> read_engine_text(std::string_view text, std::string& scratch) {
  if (text.empty()) return std::nullopt;
  if (text.front() == 'b') {
    if (!base64_decode(text.substr(1), scratch)) return std::nullopt;
    return EnginePacket{EngineType::message, true, scratch};
  }
  const char digit = text.front();
  if (digit < '0' || digit > '6') return std::nullopt;
  return EnginePacket{static_cast<EngineType>(digit - '0'), false, text.substr(1)};
}

std::optional<EnginePacket> PayloadReader::next() {
  if (done_) return std::nullopt;
  const std::size_t end = rest_.find(payload_separator);
  const std::string_view piece = rest_.substr(0, end);
  if (end == std::string_view::npos) {
    done_ = true;
  } else {
    rest_.remove_prefix(end + 1);
  }
  auto packet = read_engine_text(piece, scratch_);
  if (!packet) {
    done_ = true;
    failed_ = true;
  }
  return packet;
}

}  // namespace sluice::socketio
