#include "control/signaling/rtcio/room_password.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "control/rooms/room.hpp"

namespace sluice {

std::string_view trimmed(std::string_view text) noexcept {
  const auto character_size = [](unsigned char lead) -> std::size_t {
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  };
  while (!text.empty()) {
    const std::string_view first = text.substr(0, character_size(static_cast<unsigned char>(text.front())));
    if (!is_blank(first)) break;
    text.remove_prefix(first.size());
  }
  while (!text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) --begin;
    if (!is_blank(text.substr(begin))) break;
    text.remove_suffix(text.size() - begin);
  }
  return text;
}

RoomPassword::RoomPassword(const std::optional<JsonView>& sent) {
  const auto text = sent ? sent->as_string() : std::nullopt;
  const std::string_view password = text ? trimmed(*text) : std::string_view{};
  if (password.empty()) return;
  set_ = true;
  SHA256(reinterpret_cast<const unsigned char*>(password.data()), password.size(), hash_.data());
}

bool RoomPassword::matches(const RoomPassword& other) const noexcept {
  return CRYPTO_memcmp(hash_.data(), other.hash_.data(), hash_.size()) == 0 && set_ == other.set_;
}

}  // namespace sluice
