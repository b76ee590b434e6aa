#include "control/signaling/wrtcsignal/app_endpoint.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"
#include "control/signaling/socketio/engine_packet.hpp"

namespace sluice {
namespace {

struct Fields {
  std::optional<std::string> app;
  std::optional<std::string> password;
};

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// application/x-www-form-urlencoded: `+` is a space, a broken escape stays as it is.
std::string form_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Fields read_form(std::string_view body) {
  Fields fields;
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string name = form_decoded(pair.substr(0, equals));
    std::string value = form_decoded(pair.substr(std::min(pair.size(), equals + 1)));
    if (name == "app" && !fields.app) fields.app = std::move(value);
    if (name == "password" && !fields.password) fields.password = std::move(value);
  }
  return fields;
}

/// Compares by hash, so that neither content nor length shows in the time it takes.
bool same_secret(std::string_view a, std::string_view b) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> left{};
  std::array<unsigned char, SHA256_DIGEST_LENGTH> right{};
  SHA256(reinterpret_cast<const unsigned char*>(a.data()), a.size(), left.data());
  SHA256(reinterpret_cast<const unsigned char*>(b.data()), b.size(), right.data());
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

}  // namespace

WrtcAppEndpoint::Answer WrtcAppEndpoint::failure(int status, std::string_view error) {
  return {status, R"({"status":)" + std::to_string(status) + R"(,"error":)" + [&] {
            std::string text;
            append_json_string(text, error);
            return text;
          }() + R"(,"response":false})"};
}

WrtcAppEndpoint::Answer WrtcAppEndpoint::post(std::string_view content_type, std::string_view body) const {
  const std::string type = media_type(content_type);
  Fields fields;
  if (type == "application/json" && !body.empty()) {
    if (body.size() > body_bytes_max) return failure(413, "request entity too large");
    const auto value = JsonView::parse(body);
    if (!value || (value->kind() != JsonKind::object && value->kind() != JsonKind::array))
      return failure(400, "The body is no JSON object");
    if (const auto object = JsonObject::of(*value)) fields = {object->text("app"), object->text("password")};
  } else if (type == "application/x-www-form-urlencoded") {
    if (body.size() > body_bytes_max) return failure(413, "request entity too large");
    fields = read_form(body);
    for (const auto* field : {&fields.app, &fields.password}) {
      if (*field && !socketio::is_utf8(**field)) return failure(400, "The body is not UTF-8");
    }
  }
  if (!fields.password || !same_secret(*fields.password, password_)) return failure(401, "Unauthorized");
  if (!fields.app || fields.app->empty()) return failure(400, "Required properties (app) is undefined");
  return {200, R"({"status":200,"error":null,"response":)" +
                   JsonWriter().string("token", tokens_.app_token(*fields.app)).finish() + "}"};
}

}  // namespace sluice
