#include "control/policy/turn/turn_credentials.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "control/json/json_writer.hpp"

namespace sluice {
namespace {

constexpr std::size_t sha1_bytes = 20;
constexpr std::size_t base64_of_sha1_bytes = 28;

/// base64(HMAC-SHA1(secret, message)).
std::string signature(std::string_view secret, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int mac_bytes = 0;
  const auto* text = reinterpret_cast<const unsigned char*>(message.data());
  const unsigned char* made =
      HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), text, message.size(), mac.data(), &mac_bytes);
  if (made == nullptr || mac_bytes != sha1_bytes) throw std::runtime_error("OpenSSL has no HMAC-SHA1");
  std::array<unsigned char, base64_of_sha1_bytes + 1> text_out{};  // and a NUL
  EVP_EncodeBlock(text_out.data(), mac.data(), static_cast<int>(sha1_bytes));
  return {reinterpret_cast<const char*>(text_out.data()), base64_of_sha1_bytes};
}

bool equal(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

TurnCredentials::TurnCredentials(TurnOptions options) : options_(std::move(options)) {
  if (!options_.usable()) throw std::invalid_argument("TURN credentials need URLs and a secret");
  JsonArrayWriter urls;
  for (const std::string& url : options_.urls) urls.string(url);
  urls_json_ = urls.finish();
}

TurnCredentials::Credential TurnCredentials::issue(std::string_view user, std::int64_t unix_seconds) const {
  std::string username = std::to_string(unix_seconds + options_.ttl.count()) + ':' + std::string(user);
  std::string credential = signature(options_.secrets.front(), username);
  return {std::move(username), std::move(credential)};
}

TurnCredentials::Verdict TurnCredentials::verify(std::string_view username, std::string_view credential,
                                                 std::int64_t unix_seconds) const {
  bool authentic = false;
  for (const std::string& secret : options_.secrets) {
    if (equal(signature(secret, username), credential)) authentic = true;  // all are tried: no secret is told by the time
  }
  const std::size_t colon = username.find(':');
  if (!authentic || colon == std::string_view::npos) return {};
  std::int64_t expiry = 0;
  const auto [end, error] = std::from_chars(username.data(), username.data() + colon, expiry);
  if (error != std::errc{} || end != username.data() + colon) return {};
  const bool expired = unix_seconds >= expiry;
  return {!expired, expired, std::string(username.substr(colon + 1))};
}

std::string TurnCredentials::ice_servers(std::string_view user, std::int64_t unix_seconds, WithTtl with_ttl) const {
  const Credential fresh = issue(user, unix_seconds);
  JsonWriter server;
  server.raw("urls", urls_json_).string("username", fresh.username).string("credential", fresh.credential);
  if (with_ttl == WithTtl::yes) server.integer("ttl", options_.ttl.count());
  return JsonArrayWriter().raw(server.finish()).finish();
}

}  // namespace sluice
