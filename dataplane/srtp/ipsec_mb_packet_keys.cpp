#if SLUICE_IPSEC_MB
#include "dataplane/srtp/ipsec_mb_packet_keys.hpp"

#include <openssl/crypto.h>

namespace sluice {
namespace {

/// The state of SHA-1 after the key block of HMAC (RFC 2104) with `pad`.
void hash_key_block(const IpsecMbManager& manager, Bytes key, std::uint8_t pad, std::array<std::uint8_t, 20>& state) {
  std::array<std::uint8_t, 64> block;
  block.fill(pad);
  for (std::size_t i = 0; i < key.size(); ++i) block[i] = std::to_integer<std::uint8_t>(key[i]) ^ pad;
  IMB_SHA1_ONE_BLOCK(manager.get(), block.data(), state.data());
  OPENSSL_cleanse(block.data(), block.size());
}

}  // namespace

IpsecMbPacketKeys::IpsecMbPacketKeys(const IpsecMbManager& manager, SrtpProfile profile, const SessionKeySet& keys)
    : sizes_(sizes_of(profile)), salt_(keys.salt) {
  if (is_gcm()) {
    if (is_wide()) {
      IMB_AES256_GCM_PRE(manager.get(), keys.encryption.data(), &expanded_.gcm);
    } else {
      IMB_AES128_GCM_PRE(manager.get(), keys.encryption.data(), &expanded_.gcm);
    }
    return;
  }
  expanded_.counter_mode = {};
  CounterModeKeys& out = expanded_.counter_mode;
  CounterModeKeys unused;  // round keys to decrypt blocks: counter mode only encrypts them
  IMB_AES_KEYEXP_128(manager.get(), keys.encryption.data(), out.round_keys.data(), unused.round_keys.data());
  OPENSSL_cleanse(&unused, sizeof unused);
  const Bytes authentication = Bytes(keys.authentication).first(sizes_.auth_key);
  hash_key_block(manager, authentication, 0x36, out.inner);
  hash_key_block(manager, authentication, 0x5c, out.outer);
  hmac_.emplace(authentication);
}

IpsecMbPacketKeys::~IpsecMbPacketKeys() {
  OPENSSL_cleanse(&expanded_, sizeof expanded_);
  OPENSSL_cleanse(salt_.data(), salt_.size());
}

}  // namespace sluice
#endif
