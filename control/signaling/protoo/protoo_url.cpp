#include "control/signaling/protoo/protoo_url.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "control/signaling/url/url_text.hpp"

namespace sluice {
namespace {

constexpr int bad_request = 400;
constexpr int forbidden = 403;
constexpr int upgrade_required = 426;

ProtooRefusal ids_missing() {
  return {bad_request, "Connection request without roomId and/or peerId"};
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// An empty or unusable id is not as good as none.
std::optional<ProtooRefusal> flaw_of(const std::optional<std::string>& id, const ProtooOptions& options) {
  if (!id) return std::nullopt;
  if (id->empty()) return ids_missing();
  if (id->size() > options.id_bytes_max) return ProtooRefusal{bad_request, "roomId or peerId too long"};
  if (!url::is_utf8(*id)) return ProtooRefusal{bad_request, "roomId or peerId is not UTF-8"};
  return std::nullopt;
}

}  // namespace

Result<ProtooUrl, ProtooRefusal> read_protoo_url(std::string_view raw_path, std::string_view query,
                                                 const ProtooOptions& options) {
  ProtooUrl url;
  url.room = url::query_value(query, "roomId");
  url.token = url::query_value(query, "token").value_or("");
  const std::vector<std::string> segments = url::path_segments(raw_path);
  const bool ours = segments.front() == "protoo";
  if (ours && segments.size() == 3) {
    url.room = segments[1];
    url.peer = segments[2];
  } else if (ours && segments.size() == 2 && !segments[1].empty()) {
    url.peer = segments[1];
  } else {
    url.peer = url::query_value(query, "peerId");
    // Only the root and /protoo may come without any name; elsewhere the path is somebody else's.
    const bool root = (ours && segments.size() <= 2) || raw_path == "/" || raw_path.empty();
    const bool anonymous = root && !url.peer && !url.room;
    if (!anonymous && (!url.peer || !url.room)) return unexpected(ids_missing());
  }
  if (auto flaw = flaw_of(url.room, options)) return unexpected(*flaw);
  if (auto flaw = flaw_of(url.peer, options)) return unexpected(*flaw);
  return url;
}

Result<ProtooUrl, ProtooRefusal> decide_protoo_upgrade(const ProtooUpgrade& request, const ProtooOptions& options) {
  const auto& origins = options.allowed_origins;
  if (!request.version.empty() && request.version != "13")
    return unexpected(ProtooRefusal{upgrade_required, "Unsupported websocket client version"});
  if (offered_protoo(request.subprotocols).empty())
    return unexpected(ProtooRefusal{forbidden, "invalid/missing Sec-WebSocket-Protocol"});
  if (!origins.empty() && std::find(origins.begin(), origins.end(), request.origin) == origins.end())
    return unexpected(ProtooRefusal{forbidden, "Origin not allowed"});
  auto url = read_protoo_url(request.raw_path, request.query, options);
  if (!url) return url;
  if (url->token.empty()) url->token = bearer_of(request.authorization);
  if (!options.token.empty() && !equal_in_constant_time(url->token, options.token))
    return unexpected(ProtooRefusal{forbidden, "Invalid or missing token"});
  return url;
}

std::string_view bearer_of(std::string_view authorization) noexcept {
  constexpr std::string_view scheme = "bearer ";
  const bool named = equal_ignoring_case(authorization.substr(0, scheme.size()), scheme);
  return named ? authorization.substr(scheme.size()) : authorization;
}

std::string_view offered_protoo(const std::vector<std::string>& subprotocols) noexcept {
  const auto found = std::find_if(subprotocols.begin(), subprotocols.end(),
                                  [](const std::string& offered) { return equal_ignoring_case(offered, "protoo"); });
  return found == subprotocols.end() ? std::string_view{} : std::string_view(*found);
}

}  // namespace sluice
