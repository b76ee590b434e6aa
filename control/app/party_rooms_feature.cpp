#include "control/app/party_rooms_feature.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "control/app/token_keys.hpp"

namespace sluice::app {

using namespace std::chrono_literals;

namespace {

constexpr int forbidden = 403;

PartyOptions party_options(const config::ServerConfig& server) {
  const config::PartyRoomsConfig& config = server.dialects.party_rooms;
  PartyOptions options;
  options.token_metadata_keys = token_metadata_keys(server.policy);
  options.parties = config.parties;
  options.turn = {config.turn.urls, config.turn.secrets, config.turn.ttl};
  options.turn_requests_per_minute_max = config.turn_requests_per_minute;
  options.turn_token = config.turn_token;
  options.turn_origins = config.turn_origins;
  options.allowed_origins = config.allowed_origins;
  return options;
}

std::string_view name_of(loop::HttpMethod method) {
  switch (method) {
    case loop::HttpMethod::get:
      return "GET";
    case loop::HttpMethod::head:
      return "HEAD";
    case loop::HttpMethod::options:
      return "OPTIONS";
    default:
      return "other";
  }
}

/// Plain text under this type, too: contract partyroom, section 2.
loop::HttpResponse http_response(PartyHttpReply reply) {
  return {reply.status, "application/json", std::move(reply.body), std::move(reply.headers)};
}

}  // namespace

PartyRoomsFeature::PartyRoomsFeature(FeatureContext& context, const RoomNames& names)
    : context_(context),
      options_(party_options(context.config)),
      http_(options_, context.entropy),
      listener_(context.web, context.now),
      dialect_(context.rooms, context.bus, listener_, names, context.entropy, options_) {
  listener_.attach(dialect_);
  if (context.guard != nullptr) dialect_.set_guard(*context.guard);
}

void PartyRoomsFeature::restored(TimePoint now) {
  (void)now;
  dialect_.restored();
}

void PartyRoomsFeature::attached(std::string_view module) {
  if (module == "policyEngine") dialect_.set_token_metadata_keys(token_metadata_keys(context_.config.policy));
}

bool PartyRoomsFeature::claims(const loop::RequestHead& head) const {
  return is_party_path(head.raw_path);
}

loop::UpgradeDecision PartyRoomsFeature::upgrade(const loop::UpgradeRequest& request) {
  const auto url = read_party_url(request.raw_path, request.query, options_);
  if (!url) return http_response(PartyHttp::plain(url.error().status, url.error().text));
  const auto& origins = options_.allowed_origins;
  if (!origins.empty() && std::find(origins.begin(), origins.end(), request.origin) == origins.end())
    return http_response(PartyHttp::plain(forbidden, "Origin not allowed"));
  loop::UpgradeAccept accept;
  accept.handler = &listener_;
  accept.message_bytes_max = 1048576;
  accept.ping_interval = 30s;
  accept.ping_timeout = 60s;  // two pings unanswered
  return accept;
}

void PartyRoomsFeature::http(const loop::HttpRequest& request, loop::HttpReply reply) {
  const TimePoint now = context_.now();
  reply(http_response(
      http_.handle({name_of(request.method), request.raw_path, request.query, request.origin, request.remote_ip}, now,
                   context_.unix_ms(now) / 1000)));
}

}  // namespace sluice::app
