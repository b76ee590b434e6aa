#include "control/app/protoo_feature.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "control/app/token_keys.hpp"

namespace sluice::app {

using namespace std::chrono_literals;

namespace {

constexpr int upgrade_required = 426;

ProtooOptions protoo_options(const config::ServerConfig& config) {
  ProtooOptions options;
  const config::ProtooConfig& protoo = config.dialects.protoo;
  options.duplicate_peer = protoo.replace_duplicates ? ProtooOptions::Duplicate::replace : ProtooOptions::Duplicate::reject;
  options.allowed_origins = protoo.allowed_origins;
  options.token = protoo.token;
  options.token_metadata_keys = token_metadata_keys(config.policy);
  options.anybody_closes_rooms = protoo.token.empty() && options.token_metadata_keys.empty();
  return options;
}

std::vector<std::string> subprotocols_of(const loop::RequestHead& head) {
  std::vector<std::string> offered;
  const std::string list = head.header("sec-websocket-protocol").value_or("");
  for (std::string_view rest = list; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    const std::size_t begin = name.find_first_not_of(" \t");
    if (begin != std::string_view::npos) offered.emplace_back(name.substr(begin, name.find_last_not_of(" \t") + 1 - begin));
  }
  return offered;
}

}  // namespace

ProtooFeature::ProtooFeature(FeatureContext& context, const RoomNames& names)
    : context_(context),
      options_(protoo_options(context.config)),
      message_bytes_max_(context.config.dialects.protoo.max_message_bytes),
      listener_(context.web, context.now),
      dialect_(context.rooms, context.bus, listener_, names, options_, context.unix_ms) {
  listener_.attach(dialect_);
  if (context.guard != nullptr) dialect_.set_guard(*context.guard);
}

void ProtooFeature::restored(TimePoint now) {
  (void)now;
  dialect_.restored();
}

void ProtooFeature::attached(std::string_view module) {
  if (module != "policyEngine") return;
  options_.token_metadata_keys = token_metadata_keys(context_.config.policy);
  options_.anybody_closes_rooms = options_.token.empty() && options_.token_metadata_keys.empty();
  dialect_.set_token_metadata_keys(options_.token_metadata_keys, options_.anybody_closes_rooms);
}

bool ProtooFeature::claims(const loop::RequestHead& head) const {
  return head.path == "/protoo" || head.path.starts_with("/protoo/") || !offered_protoo(subprotocols_of(head)).empty();
}

loop::UpgradeDecision ProtooFeature::upgrade(const loop::UpgradeRequest& request) {
  const ProtooUpgrade asked{request.raw_path,     request.query,  request.header("sec-websocket-version").value_or(""),
                            request.subprotocols, request.origin, request.authorization};
  const auto url = decide_protoo_upgrade(asked, options_);
  if (!url) {
    const ProtooRefusal& refusal = url.error();
    loop::UpgradeRefusal answer{refusal.status, "", "", {{"x-websocket-reject-reason", refusal.reason}}};
    if (refusal.status == upgrade_required) answer.headers.emplace_back("sec-websocket-version", "13");
    return answer;
  }
  loop::UpgradeAccept accept;
  accept.handler = &listener_;
  accept.subprotocol = offered_protoo(request.subprotocols);
  accept.message_bytes_max = message_bytes_max_;
  accept.ping_interval = 60s;
  accept.ping_timeout = 10s;
  return accept;
}

void ProtooFeature::http(const loop::HttpRequest& request, loop::HttpReply reply) {
  (void)request;
  loop::HttpResponse response{upgrade_required,
                              "text/plain; charset=utf-8",
                              "This is a WebSocket of the subprotocol protoo.\n",
                              {{"upgrade", "websocket"}, {"sec-websocket-version", "13"}}};
  reply(std::move(response));
}

}  // namespace sluice::app
