#include "control/signaling/wrtcsignal/wrtc_tokens.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"
#include "control/signaling/socketio/engine_packet.hpp"

namespace sluice {
namespace {

constexpr std::string_view head_json = R"({"alg":"HS256","typ":"JWT"})";
constexpr std::size_t token_bytes_max = 8192;

std::string base64(std::string_view bytes) {
  std::string text;
  socketio::base64_append(text, bytes);
  return text;
}

}  // namespace

std::string WrtcTokens::signature(std::string_view head, std::string_view payload) const {
  std::string message(head);
  message += payload;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(), &size);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += digits[digest[i] >> 4U];
    hex += digits[digest[i] & 15U];
  }
  return hex;
}

std::string WrtcTokens::sealed(std::string_view payload_json) const {
  const std::string head = base64(head_json);
  const std::string payload = base64(payload_json);
  return head + "." + payload + "." + signature(head, payload);
}

std::string WrtcTokens::app_token(std::string_view app) const {
  return sealed(JsonWriter().string("app", app).finish());
}

std::string WrtcTokens::session_token(std::string_view app, std::int64_t expires, std::string_view socket) const {
  return sealed(JsonWriter().string("app", app).integer("exp", expires).string("socket", socket).finish());
}

std::optional<WrtcTokens::Claims> WrtcTokens::verified(std::string_view token) const {
  if (token.size() > token_bytes_max) return std::nullopt;
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  const std::string_view head = token.substr(0, first);
  const std::string_view payload = token.substr(first + 1, second - first - 1);
  const std::string_view sent = token.substr(second + 1);
  const std::string expected = signature(head, payload);
  if (sent.size() != expected.size() || CRYPTO_memcmp(sent.data(), expected.data(), expected.size()) != 0)
    return std::nullopt;
  std::string json;
  if (!socketio::base64_decode(payload, json)) return std::nullopt;
  const auto value = JsonView::parse(json);
  const auto object = value ? JsonObject::of(*value) : std::nullopt;
  const auto app = object ? object->text("app") : std::nullopt;
  if (!app) return std::nullopt;
  Claims claims{*app, std::nullopt, object->text("socket")};
  if (const auto expires = object->find("exp")) claims.expires = expires->as_integer();
  return claims;
}

bool WrtcTokens::is_session(std::string_view token, std::string_view socket, std::int64_t unix_now) const {
  const auto claims = verified(token);
  return claims && claims->socket == socket && claims->expires && *claims->expires > unix_now;
}

}  // namespace sluice
