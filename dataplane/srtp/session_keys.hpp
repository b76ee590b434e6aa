#pragma once

#include <array>
#include <cstddef>

#include "dataplane/srtp/srtp_keys.hpp"
#include "shm/types/kind.hpp"

namespace sluice {

/// Session keys of one kind of packet (RTP or RTCP) in one direction.
struct SessionKeySet {
  std::array<std::byte, 32> encryption{};      // 16 or 32 bytes count
  std::array<std::byte, 20> authentication{};  // HMAC-SHA1; unused by AEAD
  std::array<std::byte, 14> salt{};            // 14 or (AEAD) 12 bytes count
};

/// What the key derivation of RFC 3711 section 4.3 (with the changes of RFC 7714 section 11) makes of master key and salt.
/// The key derivation rate is 0, so it happens once per association. Wipes itself.
struct SessionKeys {
  SrtpProfile profile = SrtpProfile::none;
  SessionKeySet rtp;
  SessionKeySet rtcp;

  SessionKeys() = default;
  SessionKeys(const SessionKeys&) = default;
  SessionKeys& operator=(const SessionKeys&) = default;
  ~SessionKeys();
};

/// Profile none if `keys` are not usable.
[[nodiscard]] SessionKeys derive_session_keys(const SrtpKeys& keys);

/// `out` = the first bytes of the AES counter-mode key stream of `key` (16 or 32 bytes) that begins at `counter` (16 bytes):
/// the pseudo-random function of RFC 3711 section 4.3.3 (and RFC 6188 for 256 bits).
void aes_cm_keystream(Bytes key, Bytes counter, MutableBytes out);

}  // namespace sluice
