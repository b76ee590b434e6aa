// The low-level hash is deprecated in favour of EVP, for reasons that do not outweigh its speed here (see the header).
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dataplane/srtp/hmac_sha1.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

namespace sluice {

struct HmacSha1::States {
  SHA_CTX inner;
  SHA_CTX outer;
};

HmacSha1::HmacSha1(Bytes key) : states_(std::make_unique<States>()) {
  std::array<std::byte, SHA_CBLOCK> block{};
  // A longer key would have to be hashed first; SRTP's has 20 bytes.
  const auto used = std::min(key.size(), block.size());
  const auto begin = [&](SHA_CTX& state, std::byte pad) {
    block.fill(pad);
    for (std::size_t i = 0; i < used; ++i) block[i] ^= key[i];
    SHA1_Init(&state);
    SHA1_Update(&state, block.data(), block.size());
  };
  begin(states_->inner, std::byte{0x36});
  begin(states_->outer, std::byte{0x5c});
  OPENSSL_cleanse(block.data(), block.size());
}

HmacSha1::~HmacSha1() {
  OPENSSL_cleanse(states_.get(), sizeof(States));
}

std::array<std::byte, HmacSha1::size> HmacSha1::sign(Bytes message, Bytes trailer) const noexcept {
  std::array<std::byte, size> digest{};
  auto* out = reinterpret_cast<unsigned char*>(digest.data());
  SHA_CTX state = states_->inner;
  SHA1_Update(&state, message.data(), message.size());
  SHA1_Update(&state, trailer.data(), trailer.size());
  SHA1_Final(out, &state);
  state = states_->outer;
  SHA1_Update(&state, digest.data(), digest.size());
  SHA1_Final(out, &state);
  return digest;
}

}  // namespace sluice
