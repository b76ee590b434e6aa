#include "control/crypto/mac.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <limits>
#include <stdexcept>

namespace sluice {
namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

template <std::size_t Size>
std::array<std::byte, Size> hmac(const EVP_MD* digest, std::string_view key, std::string_view message) {
  std::array<std::byte, Size> out{};
  unsigned size = 0;
  // An empty key is a null pointer to OpenSSL, which then keeps an old key: give it a place.
  const char none = 0;
  const void* place = key.empty() ? static_cast<const void*>(&none) : key.data();
  if (key.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      HMAC(digest, place, static_cast<int>(key.size()), bytes_of(message), message.size(),
           reinterpret_cast<unsigned char*>(out.data()), &size) == nullptr ||
      size != Size) {
    throw std::runtime_error("OpenSSL refused to make a HMAC.");  // out of memory, or a broken installation
  }
  return out;
}

}  // namespace

std::array<std::byte, 32> hmac_sha256(std::string_view key, std::string_view message) {
  return hmac<32>(EVP_sha256(), key, message);
}
std::array<std::byte, 20> hmac_sha1(std::string_view key, std::string_view message) {
  return hmac<20>(EVP_sha1(), key, message);
}
std::array<std::byte, 32> sha256(std::string_view message) {
  std::array<std::byte, 32> out{};
  SHA256(bytes_of(message), message.size(), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sluice
