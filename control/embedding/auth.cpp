#include "sluice/auth.hpp"

#include <chrono>
#include <utility>

#include "control/embedding/answer_parts.hpp"
#include "control/embedding/optional_members.hpp"
#include "control/policy/capability.hpp"
#include "control/policy/policy_token.hpp"
#include "control/policy/room_token.hpp"
#include "control/policy/turn/turn_credentials.hpp"

namespace sluice::rooms {

using embedding::put;

namespace {

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}
std::int64_t unix_seconds() {
  return unix_ms() / 1000;
}

Json tree_of(const PolicyEngineOptions& options) {
  Json tree{{"secret", options.secret}};
  put(tree, "issuer", options.issuer);
  put(tree, "required", options.required);
  put(tree, "defaultCaps", options.defaultCaps);
  put(tree, "tokenMetadataKey", options.tokenMetadataKey);
  return tree;
}

CapabilitySet capabilities_of(const std::vector<std::string>& names) {
  CapabilitySet set;
  for (const std::string& name : names) {
    const auto capability = parse_capability(name);
    if (!capability) throw Error(ErrorCode::invalid_params, "There is no capability '" + name + "'.");
    set.add(*capability);
  }
  return set;
}

const std::vector<std::string>& default_caps(const PolicyEngineOptions& options) {
  static const std::vector<std::string> contract{"subscribe", "data"};
  return options.defaultCaps ? *options.defaultCaps : contract;
}

}  // namespace

// --- PolicyEngine ---------------------------------------------------------------------------------------------------------

PolicyEngine::PolicyEngine(PolicyEngineOptions options)
    : Module("policyEngine", tree_of(options)), settings_(std::move(options)) {
  if (settings_.secret.empty()) throw Error(ErrorCode::invalid_params, "A PolicyEngine needs a secret.");
}

std::string PolicyEngine::issue(const PolicyTokenRequest& request) const {
  PolicyRequest wanted;
  wanted.subject = request.sub;
  wanted.room = request.roomId;
  wanted.role = request.role;
  wanted.capabilities = request.caps;
  wanted.expires_in = request.expiresIn;
  wanted.region = request.region;
  if (request.maxPeers) wanted.max_peers = *request.maxPeers;
  const PolicyTokenOptions options{settings_.secret, settings_.issuer.value_or("webrtc-rooms"),
                                   capabilities_of(default_caps(settings_))};
  auto token = issue_policy_token(wanted, options, unix_ms());
  if (!token) throw Error(ErrorCode::invalid_params, token.error());
  return *token;
}

PolicyVerdict PolicyEngine::verify(const std::string& token) const {
  const auto policy = verify_policy_token(token, settings_.secret, unix_ms());
  if (!policy) return {.valid = false, .reason = policy.error()};
  return {.valid = true, .policy = Json::parse(policy_json(*policy))};
}

bool PolicyEngine::hasCap(const Peer& peer, const std::string& capability) const {
  for (const std::string& held : getCaps(peer))
    if (held == capability || held == "admin") return true;
  return false;
}

std::vector<std::string> PolicyEngine::getCaps(const Peer& peer) const {
  return embedding::texts_in(ask("policy.getCaps", {{"peerId", peer.id()}}), "caps");
}

void PolicyEngine::setCaps(const Peer& peer, const std::vector<std::string>& caps) const {
  (void)ask("policy.setCaps", {{"peerId", peer.id()}, {"caps", caps}});
}

Json PolicyEngine::stats() const {
  return {{"required", settings_.required.value_or(false)},
          {"issuer", settings_.issuer.value_or("webrtc-rooms")},
          {"defaultCaps", default_caps(settings_)}};
}

// --- RoomToken ------------------------------------------------------------------------------------------------------------

RoomToken::RoomToken(std::string secret) : secret_(std::move(secret)) {}
RoomToken& RoomToken::forRoom(std::string roomId) {
  room_ = std::move(roomId);
  return *this;
}
RoomToken& RoomToken::forPeer(std::string peerId) {
  peer_ = std::move(peerId);
  return *this;
}
RoomToken& RoomToken::canPublish(bool allowed) {
  can_publish_ = allowed;
  return *this;
}
RoomToken& RoomToken::canSubscribe(bool allowed) {
  can_subscribe_ = allowed;
  return *this;
}
RoomToken& RoomToken::withMetadata(Json metadata) {
  if (!metadata.is_object()) throw Error(ErrorCode::invalid_params, "Metadata of a token is an object.");
  metadata_ = std::move(metadata);
  return *this;
}
RoomToken& RoomToken::expires(std::int64_t seconds) {
  if (seconds < 0) throw Error(ErrorCode::invalid_params, "A token's life is not negative.");
  expires_in_ = seconds == 0 ? std::nullopt : std::optional(seconds);
  return *this;
}
RoomToken& RoomToken::expires(const std::string& duration) {
  const auto seconds = parse_token_duration(duration);
  if (!seconds) throw Error(ErrorCode::invalid_params, "'" + duration + "' is no duration such as 30s, 15m, 1h, 7d.");
  return expires(*seconds);
}
RoomToken& RoomToken::notBefore(std::int64_t seconds) {
  not_before_ = seconds;
  return *this;
}

std::string RoomToken::toJWT() const {
  RoomTokenRequest request;
  request.room = room_;
  request.subject = peer_;
  request.can_publish = can_publish_;
  request.can_subscribe = can_subscribe_;
  for (const auto& [key, value] : metadata_.items())
    request.metadata.set(key, value.dump(-1, ' ', false, Json::error_handler_t::replace));
  request.expires_in = expires_in_;
  request.not_before = not_before_;
  auto token = issue_room_token(request, secret_, unix_seconds());
  if (!token) throw Error(ErrorCode::invalid_params, token.error());
  return *token;
}

RoomToken::Verdict RoomToken::verify(const std::string& token, const std::string& secret) {
  const auto claims = verify_room_token(token, secret, unix_seconds());
  Verdict verdict;
  if (!claims) {
    verdict.reason = claims.error();
    return verdict;
  }
  verdict.valid = true;
  verdict.sub = claims->subject;
  verdict.room = claims->room;
  verdict.canPublish = claims->can_publish.value_or(false);
  verdict.canSubscribe = claims->can_subscribe.value_or(false);
  for (const auto& [key, value] : claims->metadata.entries()) verdict.meta[key] = Json::parse(value, nullptr, false);
  return verdict;
}

// --- TurnCredentials ------------------------------------------------------------------------------------------------------

namespace {

sluice::TurnCredentials issuer_of(const TurnCredentialsOptions& options) {
  return sluice::TurnCredentials({options.urls, {options.secret}, std::chrono::seconds(options.ttl)});
}

}  // namespace

TurnCredentials::TurnCredentials(TurnCredentialsOptions options) : options_(std::move(options)) {
  if (options_.secret.empty() || options_.urls.empty())
    throw Error(ErrorCode::invalid_params, "TURN credentials need a secret and at least one URL.");
}

Json TurnCredentials::issue(const std::string& peerId) const {
  const std::string servers = issuer_of(options_).ice_servers(peerId, unix_seconds(), sluice::TurnCredentials::WithTtl::yes);
  return Json::parse(servers).at(0);
}

TurnCredentials::Verdict TurnCredentials::verify(const std::string& username, const std::string& credential) const {
  const auto verdict = issuer_of(options_).verify(username, credential, unix_seconds());
  return {verdict.valid, verdict.expired, verdict.user};
}

}  // namespace sluice::rooms
