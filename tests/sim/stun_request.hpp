#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "shm/types/byte_order.hpp"

namespace sluice::sim {

/// CRC-32 of ISO 3309 as FINGERPRINT wants it (RFC 8489 section 14.7), bit by bit.
inline std::uint32_t crc32_of(Bytes bytes) {
  std::uint32_t crc = 0xffff'ffffU;
  for (const std::byte b : bytes) {
    crc ^= std::to_integer<std::uint32_t>(b);
    for (int i = 0; i < 8; ++i) crc = (crc >> 1U) ^ (0xedb8'8320U & (0U - (crc & 1U)));
  }
  return ~crc;
}

/// A Binding request of a controlling agent, built without the server's code.
inline std::vector<std::byte> stun_request(std::string_view username, std::string_view password, std::uint32_t id,
                                           bool nominate) {
  std::array<std::byte, 512> storage{};
  ByteWriter w{MutableBytes(storage)};
  w.u16(0x0001);
  w.u16(0);
  w.u32(0x2112a442);
  w.u32(0x53494d00);
  w.u32(0);
  w.u32(id);
  const auto attribute = [&](std::uint16_t type, Bytes value) {
    w.u16(type);
    w.u16(static_cast<std::uint16_t>(value.size()));
    w.bytes(value);
    w.fill(std::byte{0}, (4 - value.size() % 4) % 4);
  };
  attribute(0x0006, as_bytes(username));
  const std::array<std::byte, 4> priority{std::byte{0x6e}, std::byte{0x7f}, std::byte{0x1e}, std::byte{0xff}};
  attribute(0x0024, priority);
  std::array<std::byte, 8> tie_breaker{};
  tie_breaker[7] = std::byte{9};
  attribute(0x802a, tie_breaker);  // ICE-CONTROLLING
  if (nominate) attribute(0x0025, {});
  store_u16(storage, 2, static_cast<std::uint16_t>(w.size() - 20 + 24));
  std::array<unsigned char, 20> mac{};
  unsigned size = 0;
  HMAC(EVP_sha1(), password.data(), static_cast<int>(password.size()),
       reinterpret_cast<const unsigned char*>(storage.data()), w.size(), mac.data(), &size);
  attribute(0x0008, std::as_bytes(std::span(mac)));
  store_u16(storage, 2, static_cast<std::uint16_t>(w.size() - 20 + 8));
  std::array<std::byte, 4> fingerprint{};
  store_u32(fingerprint, 0, crc32_of(w.written()) ^ 0x5354554eU);
  attribute(0x8028, fingerprint);
  return {w.written().begin(), w.written().end()};
}

}  // namespace sluice::sim
