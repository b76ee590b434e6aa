#include "control/sessions/session_token.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>

namespace sluice {
namespace {

constexpr std::size_t token_bytes_max = 512;
constexpr int base = 36;

std::string base64url(const unsigned char* bytes, std::size_t size) {
  std::string out(4 * ((size + 2) / 3) + 1, '\0');
  const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes, static_cast<int>(size));
  out.resize(static_cast<std::size_t>(written));
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::string signature(std::string_view secret, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(message.data()),
       message.size(), digest.data(), &size);
  return base64url(digest.data(), size);
}

}  // namespace

std::string make_session_token(std::string_view secret, const SessionToken& token) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), token.issued_at, base).ptr;
  const std::string message = token.peer.value + "." + std::string(digits.data(), end);
  return message + "." + signature(secret, message);
}

std::optional<SessionToken> verify_session_token(std::string_view secret, std::string_view text) {
  if (text.size() > token_bytes_max) return std::nullopt;
  const std::size_t last = text.rfind('.');
  if (last == std::string_view::npos || last == 0) return std::nullopt;
  const std::size_t first = text.rfind('.', last - 1);
  if (first == std::string_view::npos || first == 0) return std::nullopt;
  const std::string_view given = text.substr(last + 1);
  const std::string wanted = signature(secret, text.substr(0, last));
  if (given.size() != wanted.size() || CRYPTO_memcmp(given.data(), wanted.data(), wanted.size()) != 0) return std::nullopt;
  SessionToken token{PeerId(std::string(text.substr(0, first))), 0};
  const std::string_view ts = text.substr(first + 1, last - first - 1);
  const auto [end, error] = std::from_chars(ts.data(), ts.data() + ts.size(), token.issued_at, base);
  if (error != std::errc() || end != ts.data() + ts.size() || token.issued_at < 0) return std::nullopt;
  return token;
}

}  // namespace sluice
