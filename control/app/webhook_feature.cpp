#include "control/app/webhook_feature.hpp"

#include "control/app/operation_params.hpp"

namespace sluice::app {

using nlohmann::json;

namespace {

constexpr std::string_view dead_letters_table = "webhook_dead_letters";
constexpr std::string_view outbox_table = "webhook_outbox";

WebhookOutbox::Write writer(Store& store, std::string_view table) {
  return [&store, table](const std::string& key, const std::string& text) {
    if (text.empty()) {
      store.erase(table, key);
    } else {
      store.put(table, key, text);
    }
  };
}

WebhookDispatcher::Rows rows_of(const Store& store, std::string_view table) {
  WebhookDispatcher::Rows rows;
  store.load(table, [&](std::string_view key, std::string_view value) { rows.emplace_back(key, value); });
  return rows;
}

WebhookOptions options_of(const config::WebhooksConfig& config) {
  WebhookOptions options;
  for (const config::WebhooksConfig::Endpoint& endpoint : config.endpoints)
    options.endpoints.push_back({endpoint.url, endpoint.secret, endpoint.events});
  options.events = config.events;
  options.timeout = config.timeout;
  options.dead_letters_max = config.dead_letters_max;
  return options;
}

}  // namespace

WebhookFeature::WebhookFeature(FeatureContext& context) : context_(context) {
  if (context.config.observability.webhooks) put_into_place();
  add_operations();
}

void WebhookFeature::put_into_place() {
  WebhookDispatcher::Outside outside;
  outside.post = [this](const WebhookRequest& request, const WebhookDispatcher::Done& done) {
    HttpCall call;
    call.url = request.url;
    call.headers = request.headers;
    call.body = request.body;
    call.time_limit = request.timeout;
    context_.http.call(std::move(call), [done](const HttpOutcome& answer) {
      if (!answer) return done(answer.error().message);
      if (!answer->success()) return done("status " + std::to_string(answer->status));
      done(std::nullopt);
    });
  };
  outside.emit = [this](std::string_view event, const json& data) { context_.events.emit(event, data); };
  outside.now = context_.now;
  outside.unix_ms = context_.unix_ms;
  outside.write_dead_letter = writer(context_.store, dead_letters_table);
  outside.write_outbox = writer(context_.store, outbox_table);
  std::function<void(json&)> tag;
  // DataResidency's tag (contract section 31).
  if (const auto& residency = context_.config.policy.data_residency) {
    tag = [region = residency->local_region](json& data) {
      if (data.is_object()) data["__region"] = region;
    };
  }
  dispatcher_ = std::make_unique<WebhookDispatcher>(context_.bus, context_.rooms, context_.entropy, outside,
                                                    options_of(*context_.config.observability.webhooks), tag);
  dispatcher_->restore(rows_of(context_.store, dead_letters_table), rows_of(context_.store, outbox_table));
  context_.collectors.emplace_back([this](PrometheusText& out) { write(out); });
}

bool WebhookFeature::attach(std::string_view module) {
  if (module != "webhooks") return false;
  put_into_place();
  return true;
}

void WebhookFeature::handle_timeout(TimePoint now) {
  if (dispatcher_) dispatcher_->handle_timeout(now);
}

TimePoint WebhookFeature::next_deadline() const {
  return dispatcher_ ? dispatcher_->next_deadline() : never;
}

void WebhookFeature::reload(const config::ServerConfig& config) {
  if (dispatcher_ && config.observability.webhooks) dispatcher_->set_options(options_of(*config.observability.webhooks));
}

void WebhookFeature::stop() {
  if (dispatcher_) dispatcher_->stop();
}

void WebhookFeature::write(PrometheusText& out) const {
  using enum PrometheusText::Type;
  const WebhookDispatcher::Stats stats = dispatcher_->stats();
  out.family("sluice_webhooks_delivered_total", counter, "Webhook deliveries that were taken.").sample(stats.delivered);
  out.family("sluice_webhook_retries_total", counter, "Webhook attempts that failed and were repeated.")
      .sample(stats.retries);
  out.family("sluice_webhooks_failed_total", counter, "Webhook deliveries that became dead letters.").sample(stats.failed);
  out.family("sluice_webhooks_dropped_total", counter, "Webhook deliveries dropped because an endpoint's queue was full.")
      .sample(stats.dropped);
  out.family("sluice_webhooks_restored_total", counter, "Webhook deliveries that an earlier control process had left.")
      .sample(stats.restored);
  out.family("sluice_webhooks_waiting", gauge, "Webhook deliveries waiting or under way.")
      .sample(static_cast<std::uint64_t>(stats.waiting));
}

void WebhookFeature::add_operations() {
  context_.operations.add({"webhooks.deadLetters",
                           "events that an endpoint would not take, oldest first",
                           {},
                           "{entries[], count}",
                           [this](const json&, const OperationCaller&, const OperationReply& reply) {
                             json entries = dispatcher_ ? dispatcher_->dead_letters().entries() : json::array();
                             const std::size_t count = entries.size();
                             reply(json{{"entries", std::move(entries)}, {"count", count}});
                           }});
  const auto attached = [this](auto answer) {
    return [this, answer](const json& params, const OperationCaller&, const OperationReply& reply) {
      if (!dispatcher_)
        return reply(unexpected(OperationError{OperationError::Kind::unavailable, "WebhookDispatcher not attached"}));
      reply(answer(params));
    };
  };
  context_.operations.add({"webhooks.clearDeadLetters",
                           "forgets the dead letters",
                           {},
                           "{cleared: how many}",
                           attached([this](const json&) -> OperationResult {
                             const std::size_t count = dispatcher_->dead_letters().size();
                             dispatcher_->dead_letters().clear();
                             return json{{"cleared", count}};
                           })});
  context_.operations.add({"webhooks.dispatch",
                           "sends an event of one's own to the endpoints",
                           {{"type", "string", true, "such as order.paid"}, {"data", "object", true, "what happened"}},
                           "{dispatched: true}",
                           attached([this](const json& params) -> OperationResult {
                             dispatcher_->dispatch(text_of(params, "type"), params.at("data"));
                             return json{{"dispatched", true}};
                           })});
  context_.operations.add({"webhooks.stats",
                           "how deliveries go",
                           {},
                           "{delivered, retries, failed, dropped, restored, waiting}",
                           attached([this](const json&) -> OperationResult {
                             const WebhookDispatcher::Stats stats = dispatcher_->stats();
                             return json{{"delivered", stats.delivered},
                                         {"retries", stats.retries},
                                         {"failed", stats.failed},
                                         {"dropped", stats.dropped},
                                         {"restored", stats.restored},
                                         {"waiting", stats.waiting}};
                           })});
}

}  // namespace sluice::app
