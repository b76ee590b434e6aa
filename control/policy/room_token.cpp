#include "control/policy/room_token.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "control/crypto/encoding.hpp"
#include "control/crypto/mac.hpp"
#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {
namespace {

constexpr std::int64_t duration_max = std::int64_t{60} * 60 * 24 * 365 * 100;

bool primitive(JsonKind kind) {
  return kind != JsonKind::array && kind != JsonKind::object;
}

std::optional<double> number(const JsonView& value) {
  if (value.kind() != JsonKind::number) return std::nullopt;
  double result = 0;
  const std::string_view text = value.raw();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc() || !std::isfinite(result)) return std::nullopt;
  return result;
}

std::optional<JsonObject> object_of(std::string_view encoded, std::string& storage) {
  auto json = from_base64url(encoded);
  if (!json) return std::nullopt;
  storage = std::move(*json);
  const auto view = JsonView::parse(storage);
  return view ? JsonObject::of(*view) : std::nullopt;
}

bool present(const std::optional<JsonView>& value) {
  return value && value->kind() != JsonKind::null;
}

/// Reads an optional claim of one type; false when it is there in another.
bool read(const JsonObject& claims, std::string_view key, std::optional<std::string>& out) {
  const auto value = claims.find(key);
  if (!present(value)) return true;
  out = value->as_string();
  return out.has_value();
}
bool read(const JsonObject& claims, std::string_view key, std::optional<bool>& out) {
  const auto value = claims.find(key);
  if (!present(value)) return true;
  if (value->kind() != JsonKind::boolean) return false;
  out = value->truthy();
  return true;
}
bool read(const JsonObject& claims, std::string_view key, std::optional<double>& out) {
  const auto value = claims.find(key);
  if (!present(value)) return true;
  out = number(*value);
  return out.has_value();
}

Result<RoomClaims, std::string> read_claims(const JsonObject& claims, std::int64_t now_unix_s) {
  const auto refuse = [](const char* why) { return unexpected(std::string(why)); };
  if (claims.text("iss") != room_token_issuer) return refuse("Invalid issuer");
  std::optional<double> expires;
  std::optional<double> begins;
  RoomClaims result;
  if (!read(claims, "exp", expires) || !read(claims, "nbf", begins) || !read(claims, "sub", result.subject) ||
      !read(claims, "room", result.room) || !read(claims, "pub", result.can_publish) ||
      !read(claims, "sub_media", result.can_subscribe)) {
    return refuse("Malformed claims");
  }
  if (result.room == std::string()) result.room.reset();
  const auto now = static_cast<double>(now_unix_s);
  if (expires && now >= *expires) return refuse("Token expired");
  if (begins && now < *begins) return refuse("Token not yet valid");
  const auto meta = claims.find("meta");
  if (present(meta)) {
    const auto entries = JsonObject::of(*meta);
    if (!entries) return refuse("Malformed claims");
    for (const auto& [key, value] : entries->members()) {
      if (!is_reserved_key(key) && primitive(value.kind())) result.metadata.append(key, value.well_formed());
    }
  }
  return result;
}

}  // namespace

std::optional<std::int64_t> parse_token_duration(std::string_view text) {
  constexpr std::array<std::pair<char, std::int64_t>, 4> units{{{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}}};
  std::int64_t factor = 1;
  for (const auto& [letter, seconds] : units) {
    if (text.empty() || text.back() != letter) continue;
    factor = seconds;
    text.remove_suffix(1);
    break;
  }
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 0 || count > duration_max / factor)
    return std::nullopt;
  return count * factor;
}

Result<std::string, std::string> issue_room_token(const RoomTokenRequest& request, std::string_view secret,
                                                  std::int64_t now_unix_s) {
  const auto refuse = [](const char* why) { return unexpected(std::string(why)); };
  if (secret.size() < room_token_secret_bytes_min)
    return refuse("The secret of room tokens must have at least 32 characters.");
  if (request.room.empty()) return refuse("A room token needs a room.");
  if (request.subject.empty()) return refuse("A room token needs a peer (its subject).");
  if (request.expires_in && (*request.expires_in < 0 || *request.expires_in > duration_max)) {
    return refuse("The token's life is out of range.");
  }
  JsonWriter meta;
  for (const auto& [key, value] : request.metadata.entries()) {
    const auto view = JsonView::parse(value);
    if (!view || !primitive(view->kind()))
      return refuse("The token's metadata may only hold strings, numbers, booleans and null.");
    meta.raw(key, value);
  }
  JsonWriter claims;
  claims.string("iss", room_token_issuer).string("sub", request.subject).string("room", request.room);
  claims.boolean("pub", request.can_publish).boolean("sub_media", request.can_subscribe).raw("meta", meta.finish());
  claims.integer("iat", now_unix_s);
  if (request.not_before) claims.integer("nbf", *request.not_before);
  if (request.expires_in && *request.expires_in > 0) claims.integer("exp", now_unix_s + *request.expires_in);
  const std::string signed_part =
      base64url(as_bytes(std::string_view(R"({"alg":"HS256","typ":"JWT"})"))) + "." + base64url(as_bytes(claims.finish()));
  return signed_part + "." + base64url(hmac_sha256(secret, signed_part));
}

Result<RoomClaims, std::string> verify_room_token(std::string_view token, std::string_view secret, std::int64_t now_unix_s) {
  const auto refuse = [](const char* why) { return unexpected(std::string(why)); };
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (first == std::string_view::npos || first == last || token.find('.', first + 1) != last)
    return refuse("Malformed token");
  const std::string_view signed_part = token.substr(0, last);
  if (!equal_in_constant_time(token.substr(last + 1), base64url(hmac_sha256(secret, signed_part)))) {
    return refuse("Invalid signature");
  }
  std::string header_text;
  const auto header = object_of(token.substr(0, first), header_text);
  if (!header || header->text("alg") != "HS256") return refuse("Unsupported algorithm");
  std::string claims_text;
  const auto claims = object_of(token.substr(first + 1, last - first - 1), claims_text);
  if (!claims) return refuse("Malformed payload");
  return read_claims(*claims, now_unix_s);
}

}  // namespace sluice
