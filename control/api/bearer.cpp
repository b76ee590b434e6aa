#include "control/api/bearer.hpp"

#include <openssl/crypto.h>

namespace sluice {

bool bearer_allows(std::string_view authorization, std::string_view secret) noexcept {
  constexpr std::string_view scheme = "Bearer ";
  if (secret.empty()) return true;
  if (!authorization.starts_with(scheme)) return false;
  authorization.remove_prefix(scheme.size());
  return authorization.size() == secret.size() && CRYPTO_memcmp(authorization.data(), secret.data(), secret.size()) == 0;
}

}  // namespace sluice
