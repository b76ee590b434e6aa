#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shm/types/time.hpp"

namespace sluice {

struct WebhookEndpoint {
  std::string url;
  std::string secret;               // empty: unsigned
  std::vector<std::string> events;  // types let through; empty: all
  [[nodiscard]] bool wants(std::string_view type) const;
};

/// One POST, the same for each attempt (contract section 35).
struct WebhookRequest {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Duration timeout{};
};

/// One event.
struct WebhookEvent {
  std::string id;  // UUID
  std::string type;
  std::int64_t timestamp = 0;  // Unix ms
  nlohmann::json data;
};
[[nodiscard]] nlohmann::json webhook_event_json(const WebhookEvent& event);

/// `sha256=` and the lower-case hex of HMAC-SHA-256(secret, "<timestamp>.<body>").
[[nodiscard]] std::string webhook_signature(std::string_view secret, std::int64_t timestamp, std::string_view body);

[[nodiscard]] WebhookRequest webhook_request(const WebhookEndpoint& endpoint, const WebhookEvent& event, Duration timeout);

}  // namespace sluice
