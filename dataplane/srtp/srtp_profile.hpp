#pragma once

#include <cstddef>

#include "shm/types/kind.hpp"

namespace sluice {

/// Sizes of one protection profile, in bytes.
struct SrtpProfileSizes {
  std::size_t master_key;
  std::size_t master_salt;
  std::size_t tag;       // authentication tag, as sent
  std::size_t auth_key;  // session authentication key; 0 for AEAD
  /// What SRTP adds to an RTP packet.
  [[nodiscard]] constexpr std::size_t rtp_overhead() const noexcept { return tag; }
  /// What SRTCP adds to an RTCP packet: the tag and the word of E bit and index.
  [[nodiscard]] constexpr std::size_t rtcp_overhead() const noexcept { return tag + 4; }
};

/// RFC 5764 section 4.1.2 and RFC 7714 section 14.2. All zero for SrtpProfile::none and numbers we do not know.
[[nodiscard]] constexpr SrtpProfileSizes sizes_of(SrtpProfile profile) noexcept {
  switch (profile) {
    case SrtpProfile::aes128_cm_sha1_80:
      return {16, 14, 10, 20};
    case SrtpProfile::aead_aes_128_gcm:
      return {16, 12, 16, 0};
    case SrtpProfile::aead_aes_256_gcm:
      return {32, 12, 16, 0};
    case SrtpProfile::none:
      break;
  }
  return {0, 0, 0, 0};
}

/// True for the three profiles that sizes_of() knows.
[[nodiscard]] constexpr bool is_usable(SrtpProfile profile) noexcept {
  return sizes_of(profile).master_key != 0;
}

/// Room to leave behind any packet, whatever its profile.
inline constexpr std::size_t srtp_overhead_max = 16;
inline constexpr std::size_t srtcp_overhead_max = 20;

}  // namespace sluice
