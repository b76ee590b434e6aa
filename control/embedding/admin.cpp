#include "sluice/admin.hpp"

#include <utility>

#include "control/embedding/answer_parts.hpp"
#include "control/embedding/optional_members.hpp"

namespace sluice::rooms {

using embedding::put;

namespace {

Json tree_of(const WebhookDispatcherOptions& options) {
  Json endpoints = Json::array();
  for (const WebhookEndpoint& endpoint : options.endpoints) {
    Json entry{{"url", endpoint.url}};
    if (!endpoint.secret.empty()) entry["secret"] = endpoint.secret;
    if (!endpoint.events.empty()) entry["events"] = endpoint.events;
    endpoints.push_back(std::move(entry));
  }
  Json tree{{"endpoints", std::move(endpoints)}};
  put(tree, "secret", options.secret);
  put(tree, "events", options.events);
  put(tree, "timeoutMs", options.timeoutMs);
  return tree;
}

template <typename Options>
Json listener_tree_of(const Options& options) {
  Json tree = Json::object();
  put(tree, "adminSecret", options.adminSecret);
  put(tree, "prefix", options.prefix);
  put(tree, "host", options.host);
  put(tree, "port", options.port);
  return tree;
}

}  // namespace

WebhookDispatcher::WebhookDispatcher(const WebhookDispatcherOptions& options) : Module("webhooks", tree_of(options)) {}
void WebhookDispatcher::dispatch(const std::string& type, const Json& data) const {
  (void)ask("webhooks.dispatch", {{"type", type}, {"data", data}});
}
std::vector<Json> WebhookDispatcher::deadLetterQueue() const {
  return embedding::list_in(ask("webhooks.deadLetters"), "entries");
}
void WebhookDispatcher::clearDeadLetterQueue() const {
  (void)ask("webhooks.clearDeadLetters");
}
Json WebhookDispatcher::stats() const {
  return ask("webhooks.stats");
}

AdminAPI::AdminAPI(const AdminAPIOptions& options) : Module("adminApi", listener_tree_of(options)) {}
GovernanceEndpoints::GovernanceEndpoints(const GovernanceEndpointsOptions& options)
    : Module("governance", listener_tree_of(options)) {}

}  // namespace sluice::rooms
