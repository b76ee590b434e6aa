#include "dataplane/dtls/fingerprint.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

namespace sluice {

std::optional<Fingerprint> Fingerprint::from_bytes(Bytes bytes) noexcept {
  if (bytes.size() != size) return std::nullopt;
  Fingerprint result;
  std::copy(bytes.begin(), bytes.end(), result.sha256.begin());
  return result;
}

Fingerprint Fingerprint::of(Bytes der) {
  Fingerprint result;
  unsigned written = 0;
  if (EVP_Digest(der.data(), der.size(), reinterpret_cast<unsigned char*>(result.sha256.data()), &written, EVP_sha256(),
                 nullptr) != 1 ||
      written != size) {
    throw std::runtime_error("SHA-256 is not available");
  }
  return result;
}

bool Fingerprint::same_as(const Fingerprint& other) const noexcept {
  return CRYPTO_memcmp(sha256.data(), other.sha256.data(), size) == 0;
}

std::string Fingerprint::to_text() const {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  text.reserve(size * 3 - 1);
  for (const std::byte b : sha256) {
    if (!text.empty()) text += ':';
    text += digits[std::to_integer<unsigned>(b) >> 4U];
    text += digits[std::to_integer<unsigned>(b) & 15U];
  }
  return text;
}

}  // namespace sluice
