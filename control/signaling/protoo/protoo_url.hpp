#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/signaling/protoo/protoo_options.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// Who a client says it is, by its URL (contract protoo, section 7).
struct ProtooUrl {
  std::optional<std::string> room;  // none: until `joinRoom`
  std::optional<std::string> peer;  // none: the server makes one
  std::string token;                // empty: none
  friend bool operator==(const ProtooUrl&, const ProtooUrl&) = default;
};

/// What an upgrade request says, as far as protoo looks at it.
struct ProtooUpgrade {
  std::string raw_path;  // still percent-encoded
  std::string query;     // as sent, without '?'
  std::string version;   // Sec-WebSocket-Version; empty counts as 13
  std::vector<std::string> subprotocols;
  std::string origin;
  std::string authorization;
};

/// Why an upgrade is refused; goes into `X-WebSocket-Reject-Reason`.
struct ProtooRefusal {
  int status = 403;
  std::string reason = "Rejected";
  friend bool operator==(const ProtooRefusal&, const ProtooRefusal&) = default;
};

/// Reads the URL: `/?roomId=R&peerId=P`, `/protoo?...`, `/protoo/R/P`, `/protoo/P`.
[[nodiscard]] Result<ProtooUrl, ProtooRefusal> read_protoo_url(std::string_view raw_path, std::string_view query,
                                                               const ProtooOptions& options);

/// The whole decision: version, subprotocol, origin, token, URL.
[[nodiscard]] Result<ProtooUrl, ProtooRefusal> decide_protoo_upgrade(const ProtooUpgrade& request,
                                                                     const ProtooOptions& options);

/// What follows `Bearer ` in an Authorization header, or the whole value for those who leave that out.
[[nodiscard]] std::string_view bearer_of(std::string_view authorization) noexcept;

/// The offered subprotocol that is `protoo` in any case, as the client wrote it; empty when there is none.
[[nodiscard]] std::string_view offered_protoo(const std::vector<std::string>& subprotocols) noexcept;

}  // namespace sluice
