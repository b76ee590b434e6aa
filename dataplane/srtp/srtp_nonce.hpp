#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/srtp/seal_ticket.hpp"
#include "shm/types/byte_order.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"

namespace sluice {

/// The first counter block of AES counter mode (RFC 3711 section 4.1.1): (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16).
/// `salt` has 14 bytes; `index` as SealTicket::index().
[[nodiscard]] inline std::array<std::byte, 16> counter_mode_iv(Bytes salt, Ssrc ssrc, std::uint64_t index) noexcept {
  std::array<std::byte, 16> iv{};
  ByteWriter writer(iv);
  writer.u32(0);
  writer.u32(ssrc.value);
  writer.u16(static_cast<std::uint16_t>(index >> 32U));
  writer.u32(static_cast<std::uint32_t>(index));
  for (std::size_t i = 0; i < 14; ++i) iv[i] ^= salt[i];
  return iv;
}

/// The nonce of AES-GCM (RFC 7714 sections 8.1 and 9.1), `salt` of 12 bytes:
///
///     RTP   00 00 | SSRC (4) | ROC (4) | SEQ (2)        RTCP  00 00 | SSRC (4) | 00 00 | SRTCP index (4)
[[nodiscard]] inline std::array<std::byte, 12> gcm_iv(Bytes salt, Ssrc ssrc, std::uint64_t index) noexcept {
  // An RTCP index has 31 bits, so as a 48-bit number it has the layout of RTCP.
  std::array<std::byte, 12> iv{};
  ByteWriter writer(iv);
  writer.u16(0);
  writer.u32(ssrc.value);
  writer.u16(static_cast<std::uint16_t>(index >> 32U));
  writer.u32(static_cast<std::uint32_t>(index));
  for (std::size_t i = 0; i < iv.size(); ++i) iv[i] ^= salt[i];
  return iv;
}

}  // namespace sluice
