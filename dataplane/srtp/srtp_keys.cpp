#include "dataplane/srtp/srtp_keys.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <atomic>

namespace sluice {

std::optional<SrtpKeys> SrtpKeys::from_key_salt(SrtpProfile profile, Bytes key_salt) noexcept {
  const SrtpProfileSizes sizes = sizes_of(profile);
  if (!is_usable(profile) || key_salt.size() != sizes.master_key + sizes.master_salt) return std::nullopt;
  SrtpKeys keys;
  std::copy_n(key_salt.begin(), sizes.master_key, keys.master_key.begin());
  std::copy_n(key_salt.begin() + static_cast<std::ptrdiff_t>(sizes.master_key), sizes.master_salt, keys.master_salt.begin());
  keys.profile_number = static_cast<std::uint16_t>(profile);
  return keys;
}

void SrtpKeys::store(const SrtpKeys& other) noexcept {
  const std::atomic_ref<std::uint16_t> number(profile_number);
  number.store(0, std::memory_order_seq_cst);
  master_key = other.master_key;
  master_salt = other.master_salt;
  number.store(other.profile_number, std::memory_order_release);
}

void SrtpKeys::wipe() noexcept {
  OPENSSL_cleanse(this, sizeof *this);
}

bool SrtpKeys::same_as(const SrtpKeys& other) const noexcept {
  return profile_number == other.profile_number &&
         CRYPTO_memcmp(master_key.data(), other.master_key.data(), master_key.size()) == 0 &&
         CRYPTO_memcmp(master_salt.data(), other.master_salt.data(), master_salt.size()) == 0;
}

}  // namespace sluice
