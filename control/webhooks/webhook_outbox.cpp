#include "control/webhooks/webhook_outbox.hpp"

#include <algorithm>
#include <optional>

#include "control/webhooks/row_key.hpp"

namespace sluice {

using nlohmann::json;

namespace {

std::string row_of(const WebhookOutbox::Delivery& delivery) {
  const json row{{"endpoint", delivery.endpoint},
                 {"event", webhook_event_json(delivery.event)},
                 {"attempt", delivery.attempt},
                 {"retryAt", delivery.retry_at}};
  return row.dump(-1, ' ', false, json::error_handler_t::replace);
}

template <typename T>
std::optional<T> member(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  if constexpr (std::is_same_v<T, std::string>) {
    if (!found->is_string()) return std::nullopt;
  } else if (!found->is_number_integer()) {
    return std::nullopt;
  }
  return found->template get<T>();
}

std::optional<WebhookOutbox::Delivery> parse_row(const std::string& text) {
  const json row = json::parse(text, nullptr, false);
  if (!row.is_object() || !row.contains("event") || !row["event"].is_object() || !row["event"].contains("data"))
    return std::nullopt;
  const json& event = row["event"];
  const auto endpoint = member<std::string>(row, "endpoint");
  const auto attempt = member<unsigned>(row, "attempt");
  const auto retry_at = member<std::int64_t>(row, "retryAt");
  const auto id = member<std::string>(event, "id");
  const auto type = member<std::string>(event, "type");
  const auto timestamp = member<std::int64_t>(event, "timestamp");
  if (!endpoint || !attempt || !retry_at || !id || !type || !timestamp) return std::nullopt;
  return WebhookOutbox::Delivery{0, *endpoint, WebhookEvent{*id, *type, *timestamp, event["data"]}, *attempt, *retry_at};
}

}  // namespace

std::vector<WebhookOutbox::Delivery> WebhookOutbox::restore(const std::vector<std::pair<std::string, std::string>>& stored) {
  std::vector<Delivery> deliveries;
  for (const auto& [key, text] : stored) {
    const auto number = parse_row_key(key);
    auto delivery = number ? parse_row(text) : std::nullopt;
    if (!delivery) {
      if (write_) write_(key, {});
      continue;
    }
    delivery->number = *number;
    last_number_ = std::max(last_number_, *number);
    deliveries.push_back(std::move(*delivery));
  }
  std::sort(deliveries.begin(), deliveries.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return deliveries;
}

std::uint64_t WebhookOutbox::add(const std::string& endpoint, const WebhookEvent& event) {
  const std::uint64_t number = ++last_number_;
  if (write_) write_(row_key(number), row_of({number, endpoint, event, 0, 0}));
  return number;
}

void WebhookOutbox::update(const Delivery& delivery) {
  if (write_) write_(row_key(delivery.number), row_of(delivery));
}

void WebhookOutbox::remove(std::uint64_t number) {
  if (write_) write_(row_key(number), {});
}

}  // namespace sluice
