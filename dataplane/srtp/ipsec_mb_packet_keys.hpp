#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/srtp/hmac_sha1.hpp"
#include "dataplane/srtp/ipsec_mb_manager.hpp"
#include "dataplane/srtp/session_keys.hpp"

namespace sluice {

/// What ipsec-mb needs for AES-CM: the round keys, and the HMAC's two key blocks, hashed.
struct CounterModeKeys {
  alignas(16) std::array<std::uint8_t, 16 * 11> round_keys;
  std::array<std::uint8_t, HmacSha1::size> inner;
  std::array<std::uint8_t, HmacSha1::size> outer;
};

/// One set of session keys, expanded. In one piece and on cache lines of its own, because a fan-out touches those of all
/// subscribers for each packet. Wipes itself.
class alignas(64) IpsecMbPacketKeys {
 public:
  IpsecMbPacketKeys(const IpsecMbManager& manager, SrtpProfile profile, const SessionKeySet& keys);
  IpsecMbPacketKeys(const IpsecMbPacketKeys&) = delete;
  IpsecMbPacketKeys& operator=(const IpsecMbPacketKeys&) = delete;
  ~IpsecMbPacketKeys();

  [[nodiscard]] bool is_gcm() const noexcept { return sizes_.auth_key == 0; }
  [[nodiscard]] const SrtpProfileSizes& sizes() const noexcept { return sizes_; }
  [[nodiscard]] Bytes salt() const noexcept { return salt_; }
  /// If is_gcm(): the key, and whether it has 256 bits.
  [[nodiscard]] const gcm_key_data& gcm() const noexcept { return expanded_.gcm; }
  [[nodiscard]] bool is_wide() const noexcept { return sizes_.master_key == 32; }
  /// If not.
  [[nodiscard]] const CounterModeKeys& counter_mode() const noexcept { return expanded_.counter_mode; }
  /// The same HMAC by OpenSSL: faster for a packet alone.
  [[nodiscard]] const HmacSha1& hmac() const noexcept { return *hmac_; }

 private:
  SrtpProfileSizes sizes_;
  std::array<std::byte, 14> salt_;
  std::optional<HmacSha1> hmac_;
  union Expanded {
    gcm_key_data gcm;
    CounterModeKeys counter_mode;
  };
  Expanded expanded_{};
};

}  // namespace sluice
