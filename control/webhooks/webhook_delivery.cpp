#include "control/webhooks/webhook_delivery.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace sluice {

using nlohmann::json;

bool WebhookEndpoint::wants(std::string_view type) const {
  return events.empty() || std::find(events.begin(), events.end(), type) != events.end();
}

json webhook_event_json(const WebhookEvent& event) {
  return {{"id", event.id}, {"type", event.type}, {"timestamp", event.timestamp}, {"data", event.data}};
}

std::string webhook_signature(std::string_view secret, std::int64_t timestamp, std::string_view body) {
  const std::string text = std::to_string(timestamp) + "." + std::string(body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()),
           text.size(), digest.data(), &length) == nullptr) {
    throw std::runtime_error("HMAC-SHA-256 is not available");
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex = "sha256=";
  for (unsigned i = 0; i < length; ++i) {
    hex += digits[digest[i] >> 4U];
    hex += digits[digest[i] & 15U];
  }
  return hex;
}

WebhookRequest webhook_request(const WebhookEndpoint& endpoint, const WebhookEvent& event, Duration timeout) {
  WebhookRequest request;
  request.url = endpoint.url;
  request.body = webhook_event_json(event).dump(-1, ' ', false, json::error_handler_t::replace);
  request.timeout = timeout;
  request.headers = {{"Content-Type", "application/json"},
                     {"User-Agent", "webrtc-rooms-webhook/1.0"},
                     {"X-Webrtc-Rooms-Timestamp", std::to_string(event.timestamp)}};
  if (!endpoint.secret.empty()) {
    request.headers.emplace_back("X-Webrtc-Rooms-Signature",
                                 webhook_signature(endpoint.secret, event.timestamp, request.body));
  }
  return request;
}

}  // namespace sluice
