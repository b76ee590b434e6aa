#include "dataplane/srtp/session_keys.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace sluice {
namespace {

struct ContextFree {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

// Labels of RFC 3711 section 4.3.2; RTCP's are three higher.
enum Label : std::uint8_t { label_encryption = 0, label_authentication = 1, label_salt = 2, label_rtcp_offset = 3 };

void derive(const SrtpKeys& keys, std::uint8_t label, MutableBytes out) {
  // x = (label at byte 7 of the 14-byte salt), counter = x * 2^16. An AEAD salt of 12 bytes has two zero bytes behind it
  // (RFC 7714 section 11), as SrtpKeys keeps it.
  std::array<std::byte, 16> counter{};
  std::copy(keys.master_salt.begin(), keys.master_salt.end(), counter.begin());
  counter[7] ^= std::byte{label};
  aes_cm_keystream(Bytes(keys.master_key).first(sizes_of(keys.profile()).master_key), counter, out);
}

void derive(const SrtpKeys& keys, std::uint8_t offset, SessionKeySet& set) {
  const SrtpProfileSizes sizes = sizes_of(keys.profile());
  const auto label = [offset](Label base) { return static_cast<std::uint8_t>(base + offset); };
  derive(keys, label(label_encryption), MutableBytes(set.encryption).first(sizes.master_key));
  derive(keys, label(label_salt), MutableBytes(set.salt).first(sizes.master_salt));
  if (sizes.auth_key != 0) derive(keys, label(label_authentication), MutableBytes(set.authentication).first(sizes.auth_key));
}

}  // namespace

SessionKeys::~SessionKeys() {
  OPENSSL_cleanse(this, sizeof *this);
}

void aes_cm_keystream(Bytes key, Bytes counter, MutableBytes out) {
  const std::unique_ptr<EVP_CIPHER_CTX, ContextFree> context(EVP_CIPHER_CTX_new());
  const EVP_CIPHER* cipher = key.size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
  std::fill(out.begin(), out.end(), std::byte{0});
  int written = 0;
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  if (context == nullptr || (key.size() != 16 && key.size() != 32) || counter.size() != 16 ||
      EVP_EncryptInit_ex2(context.get(), cipher, reinterpret_cast<const unsigned char*>(key.data()),
                          reinterpret_cast<const unsigned char*>(counter.data()), nullptr) != 1 ||
      EVP_EncryptUpdate(context.get(), bytes, &written, bytes, static_cast<int>(out.size())) != 1) {
    throw std::runtime_error("AES counter mode is not available");
  }
}

SessionKeys derive_session_keys(const SrtpKeys& keys) {
  SessionKeys result;
  if (!keys.usable()) return result;
  derive(keys, 0, result.rtp);
  derive(keys, label_rtcp_offset, result.rtcp);
  result.profile = keys.profile();
  return result;
}

}  // namespace sluice
