#pragma once

#include <cstdint>

namespace sluice {

enum class MediaKind : std::uint8_t { audio, video };

/// Codecs that the data plane can tell apart; `unknown` is never forwarded.
enum class Codec : std::uint8_t { unknown, opus, red, vp8, vp9, h264, av1 };

/// SRTP protection profiles in use (RFC 5764 section 4.1.2, RFC 7714 section 14.2), by their IANA number.
enum class SrtpProfile : std::uint16_t { none = 0, aes128_cm_sha1_80 = 0x0001, aead_aes_128_gcm = 0x0007, aead_aes_256_gcm = 0x0008 };

}  // namespace sluice
