#include "control/policy/policy_token.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "control/crypto/encoding.hpp"
#include "control/crypto/mac.hpp"
#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {
namespace {

constexpr std::size_t capability_names_max = 64;
constexpr std::size_t tenant_bytes_max = 256;
constexpr std::int64_t expires_in_max = std::int64_t{1000} * 60 * 60 * 24 * 365 * 100;

std::string signature_of(std::string_view body, std::string_view secret) {
  return base64url(hmac_sha256(secret, body));
}

/// A JSON number as Unix milliseconds, rounded down; nothing for other kinds.
std::optional<std::int64_t> milliseconds(const std::optional<JsonView>& value) {
  if (!value || value->kind() != JsonKind::number) return std::nullopt;
  if (const auto integer = value->as_integer()) return integer;
  double number = 0;
  const std::string_view text = value->raw();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  constexpr double limit = 9e15;  // as far as doubles count milliseconds
  return static_cast<std::int64_t>(std::floor(std::clamp(number, -limit, limit)));
}

bool absent(const std::optional<JsonView>& value) {
  return !value || value->kind() == JsonKind::null;
}

std::optional<Policy> parse_policy(std::string_view json) {
  const auto view = JsonView::parse(json);
  const auto object = view ? JsonObject::of(*view) : std::nullopt;
  if (!object) return std::nullopt;
  Policy policy;
  const auto text = [&](std::string_view key, std::string& out) {
    const auto value = object->find(key);
    if (absent(value)) return true;
    auto read = value->as_string();
    if (!read) return false;
    out = std::move(*read);
    return true;
  };
  std::string region;
  std::string tenant;
  policy.room.clear();  // a token that names none fits none
  if (!text("iss", policy.issuer) || !text("sub", policy.subject) || !text("roomId", policy.room) ||
      !text("role", policy.role) || !text("region", region) || !text("tenant", tenant)) {
    return std::nullopt;
  }
  if (!region.empty()) policy.region = std::move(region);
  if (!tenant.empty()) policy.tenant = std::move(tenant);
  const auto expires = milliseconds(object->find("expiresAt"));
  if (!expires) return std::nullopt;
  policy.expires_at = *expires;
  if (const auto limit = object->find("maxPeers"); !absent(limit)) {
    const auto number = limit->as_integer();
    if (!number || *number < 0) return std::nullopt;
    policy.max_peers = static_cast<std::size_t>(*number);
  }
  if (const auto caps = object->find("caps"); !absent(caps)) {
    const auto names = caps->as_array(capability_names_max);
    if (!names) return std::nullopt;
    for (const JsonView& name : *names) {
      const auto known = parse_capability(name.as_string().value_or(""));
      if (known) policy.capabilities.add(*known);
    }
  }
  return policy;
}

}  // namespace

std::string capabilities_json(CapabilitySet capabilities) {
  JsonArrayWriter out;
  for (const Capability capability : all_capabilities)
    if (capabilities.lists(capability)) out.string(to_string(capability));
  return out.finish();
}

std::string policy_json(const Policy& policy) {
  JsonWriter out;
  out.string("iss", policy.issuer).string("sub", policy.subject).string("roomId", policy.room).string("role", policy.role);
  out.raw("caps", capabilities_json(policy.capabilities)).integer("expiresAt", policy.expires_at);
  if (policy.region) out.string("region", *policy.region);
  if (policy.max_peers) out.integer("maxPeers", static_cast<std::int64_t>(*policy.max_peers));
  if (policy.tenant) out.string("tenant", *policy.tenant);
  return out.finish();
}

Result<std::string, std::string> issue_policy_token(const PolicyRequest& request, const PolicyTokenOptions& options,
                                                    std::int64_t now_unix_ms) {
  const auto refuse = [](std::string why) { return unexpected(std::move(why)); };
  if (request.subject.empty()) return refuse("A policy needs a subject ('sub').");
  if (request.room.empty()) return refuse("'roomId' is empty; leave it out or write * for any room.");
  if (request.expires_in <= 0 || request.expires_in > expires_in_max) return refuse("'expiresIn' is out of range.");
  constexpr auto exact_max = static_cast<std::size_t>(1) << 53U;
  if (request.max_peers && (*request.max_peers == 0 || *request.max_peers > exact_max)) {
    return refuse("'maxPeers' must be 1 or more.");
  }
  if (request.tenant && (request.tenant->empty() || request.tenant->size() > tenant_bytes_max)) {
    return refuse("'tenant' must be 1 to " + std::to_string(tenant_bytes_max) + " bytes.");
  }
  Policy policy;
  policy.issuer = options.issuer;
  policy.subject = request.subject;
  policy.room = request.room;
  policy.role = request.role;
  policy.capabilities = options.default_capabilities;
  if (request.capabilities) {
    policy.capabilities = {};
    for (const std::string& name : *request.capabilities) {
      const auto capability = parse_capability(name);
      if (!capability) return refuse("Unknown capability '" + name + "'.");
      policy.capabilities.add(*capability);
    }
  }
  if (policy.capabilities.lists(Capability::admin)) {
    for (const Capability capability : all_capabilities) policy.capabilities.add(capability);
  }
  policy.expires_at = now_unix_ms + request.expires_in;
  policy.region = request.region;
  policy.max_peers = request.max_peers;
  policy.tenant = request.tenant;
  const std::string body = base64url(as_bytes(policy_json(policy)));
  return body + "." + signature_of(body, options.secret);
}

Result<Policy, std::string> verify_policy_token(std::string_view token, std::string_view secret, std::int64_t now_unix_ms) {
  const auto refuse = [](const char* why) { return unexpected(std::string(why)); };
  const std::size_t dot = token.rfind('.');
  if (dot == std::string_view::npos) return refuse("Malformed token");
  const std::string_view body = token.substr(0, dot);
  if (!equal_in_constant_time(token.substr(dot + 1), signature_of(body, secret))) return refuse("Invalid signature");
  const auto json = from_base64url(body);
  auto policy = json ? parse_policy(*json) : std::nullopt;
  if (!policy) return refuse("Malformed payload");
  if (now_unix_ms > policy->expires_at) return refuse("Token expired");
  return std::move(*policy);
}

}  // namespace sluice
