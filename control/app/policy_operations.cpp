// policy.*, roomToken.*, turn.*
#include <string>
#include <utility>

#include "control/app/operation_answers.hpp"
#include "control/app/policy_modules.hpp"
#include "control/json/json_view.hpp"
#include "control/policy/room_token.hpp"

namespace sluice::app {
namespace {

using nlohmann::json;

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

OperationResult issue_policy(PolicyEngine& engine, std::chrono::seconds ttl, TimePoint now, const json& params) {
  PolicyRequest request;
  request.subject = parameter<std::string>(params, "sub");
  request.room = parameter<std::string>(params, "roomId", "*");
  request.role = parameter<std::string>(params, "role", "viewer");
  request.expires_in = parameter<std::int64_t>(params, "expiresIn", std::chrono::milliseconds(ttl).count());
  if (params.contains("caps") && !params["caps"].is_null()) {
    request.capabilities = texts_parameter(params, "caps");
    if (!request.capabilities) return operation_error(OperationFailure::invalid_params, "'caps' must be a list of texts.");
  }
  if (const auto region = parameter<std::string>(params, "region"); !region.empty()) request.region = region;
  if (const auto tenant = parameter<std::string>(params, "tenant"); !tenant.empty()) request.tenant = tenant;
  if (params.contains("maxPeers") && !params["maxPeers"].is_null()) {
    const auto limit = params["maxPeers"].get<std::int64_t>();
    if (limit < 1) return operation_error(OperationFailure::invalid_params, "'maxPeers' must be 1 or more.");
    request.max_peers = static_cast<std::size_t>(limit);
  }
  auto token = engine.issue(request, now);
  if (!token) return operation_error(OperationFailure::invalid_params, token.error());
  const auto policy = verify_policy_token(*token, engine.options().secret, 0);
  return json{{"token", *token}, {"policy", policy ? json::parse(policy_json(*policy)) : json()}};
}

OperationResult verify_policy(PolicyEngine& engine, TimePoint now, const json& params) {
  const auto policy = engine.verify(parameter<std::string>(params, "token"), now);
  if (!policy) return json{{"valid", false}, {"reason", policy.error()}};
  return json{{"valid", true}, {"policy", json::parse(policy_json(*policy))}};
}

OperationResult set_capabilities(PolicyEngine& engine, const json& params) {
  const auto names = texts_parameter(params, "caps");
  if (!names) return operation_error(OperationFailure::invalid_params, "'caps' must be a list of texts.");
  CapabilitySet set;
  for (const std::string& name : *names) {
    const auto capability = parse_capability(name);
    if (!capability) return operation_error(OperationFailure::invalid_params, "Unknown capability '" + name + "'.");
    set.add(*capability);
  }
  const auto peer = parameter<std::string>(params, "peerId");
  if (!engine.set_capabilities(PeerId(peer), set)) return operation_error(OperationFailure::not_found, "Peer not found");
  return json{{"peerId", peer}, {"caps", json::parse(capabilities_json(set))}};
}

OperationResult issue_room_token(const std::string& secret, std::int64_t now_unix_s, const json& params) {
  RoomTokenRequest request;
  request.room = parameter<std::string>(params, "roomId");
  request.subject = parameter<std::string>(params, "peerId");
  request.can_publish = parameter<bool>(params, "canPublish", true);
  request.can_subscribe = parameter<bool>(params, "canSubscribe", true);
  for (const auto& [key, value] : parameter<json>(params, "metadata", json::object()).items())
    request.metadata.set(key, dumped(value));
  if (const auto expires = params.find("expires"); expires != params.end()) {
    request.expires_in = expires->is_null()             ? std::optional<std::int64_t>(0)
                         : expires->is_number_integer() ? std::optional(expires->get<std::int64_t>())
                         : expires->is_string()         ? parse_token_duration(expires->get<std::string>())
                                                        : std::nullopt;
    if (!request.expires_in)
      return operation_error(OperationFailure::invalid_params,
                             "'expires' must be seconds, or a text like 30s, 15m, 1h, 7d.");
  }
  if (params.contains("notBefore") && !params["notBefore"].is_null()) {
    request.not_before = params["notBefore"].get<std::int64_t>();
  }
  auto token = sluice::issue_room_token(request, secret, now_unix_s);
  if (!token) return operation_error(OperationFailure::invalid_params, token.error());
  return json{{"token", *token}};
}

OperationResult verify_room_token_operation(const std::string& secret, std::int64_t now_unix_s, const json& params) {
  const auto claims = verify_room_token(parameter<std::string>(params, "token"), secret, now_unix_s);
  if (!claims) return json{{"valid", false}, {"reason", claims.error()}};
  json meta = json::object();
  for (const auto& [key, value] : claims->metadata.entries()) meta[key] = json::parse(value, nullptr, false);
  return json{{"valid", true},
              {"sub", claims->subject ? json(*claims->subject) : json()},
              {"room", claims->room ? json(*claims->room) : json()},
              {"canPublish", claims->can_publish.value_or(false)},
              {"canSubscribe", claims->can_subscribe.value_or(false)},
              {"metadata", std::move(meta)}};
}

}  // namespace

void add_policy_engine_operations(FeatureContext& context, PolicyEngine& engine) {
  const auto now = context.now;
  const auto ttl = context.config.policy.policy_engine->token_ttl;
  context.operations.add(
      {"policy.issue",
       "Makes a policy token",
       {{"sub", "string", true, "who it is for"},
        {"roomId", "string", false, "the room, * for any (default)"},
        {"role", "string", false, "default viewer"},
        {"caps", "array", false, "capabilities; default: policyEngine.defaultCaps"},
        {"expiresIn", "integer", false, "life in ms"},
        {"region", "string", false, "region tag of the bearer"},
        {"maxPeers", "integer", false, "lowers the room's capacity for the bearer"},
        {"tenant", "string", false, "whose customer the bearer is; see rateLimiter.maxJoinsPerTenantPerMin"}},
       "{token, policy}",
       answering([&engine, ttl, now](const json& params) { return issue_policy(engine, ttl, now(), params); })});
  context.operations.add({"policy.verify",
                          "Looks at a policy token",
                          {{"token", "string", true, "the token"}},
                          "{valid: true, policy} or {valid: false, reason}",
                          answering([&engine, now](const json& params) { return verify_policy(engine, now(), params); })});
  context.operations.add({"policy.stats",
                          "How the policy engine is set",
                          {},
                          "{required, issuer, defaultCaps}",
                          answering([&engine](const json&) -> OperationResult {
                            const PolicyEngineOptions& options = engine.options();
                            return json{{"required", options.required},
                                        {"issuer", options.issuer},
                                        {"defaultCaps", json::parse(capabilities_json(options.default_capabilities))}};
                          })});
  context.operations.add(
      {"policy.getCaps",
       "A member's capabilities",
       {{"peerId", "string", true, "the member"}},
       "{peerId, caps}",
       answering([&engine](const json& params) -> OperationResult {
         const auto peer = parameter<std::string>(params, "peerId");
         return json{{"peerId", peer}, {"caps", json::parse(capabilities_json(engine.capabilities_of(PeerId(peer))))}};
       })});
  context.operations.add({"policy.setCaps",
                          "Gives a member other capabilities, at once; the data plane follows",
                          {{"peerId", "string", true, "the member"}, {"caps", "array", true, "all that it may from now on"}},
                          "{peerId, caps}",
                          answering([&engine](const json& params) { return set_capabilities(engine, params); })});
}

void add_policy_operations(FeatureContext& context, PolicyModules& modules) {
  const auto seconds = [now = context.now, unix_ms = context.unix_ms] { return unix_ms(now()) / 1000; };
  if (modules.policy) add_policy_engine_operations(context, *modules.policy);
  if (modules.room_token) {
    const std::string secret = modules.room_token->secret();
    context.operations.add(
        {"roomToken.issue",
         "Makes a room token (JWT)",
         {{"roomId", "string", true, "the room"},
          {"peerId", "string", true, "who it is for"},
          {"canPublish", "boolean", false, "default true"},
          {"canSubscribe", "boolean", false, "default true"},
          {"metadata", "object", false, "flat; put into the bearer's metadata"},
          {"expires", "any", false, "seconds or 30s, 15m, 1h, 7d; 0 or null: never; default 24h"},
          {"notBefore", "integer", false, "Unix seconds"}},
         "{token}",
         answering([secret, seconds](const json& params) { return issue_room_token(secret, seconds(), params); })});
    context.operations.add({"roomToken.verify",
                            "Looks at a room token",
                            {{"token", "string", true, "the token"}},
                            "{valid: true, sub, room, canPublish, canSubscribe, metadata} or {valid: false, reason}",
                            answering([secret, seconds](const json& params) {
                              return verify_room_token_operation(secret, seconds(), params);
                            })});
  }
  if (modules.turn) {
    const TurnCredentials& turn = *modules.turn;
    context.operations.add({"turn.issue",
                            "Makes TURN credentials",
                            {{"peerId", "string", true, "who they are for"}},
                            "{urls, username, credential, ttl}",
                            answering([&turn, seconds](const json& params) -> OperationResult {
                              const auto peer = parameter<std::string>(params, "peerId");
                              const std::string servers = turn.ice_servers(peer, seconds(), TurnCredentials::WithTtl::yes);
                              return json::parse(servers).at(0);
                            })});
    context.operations.add({"turn.verify",
                            "Looks at TURN credentials",
                            {{"username", "string", true, ""}, {"credential", "string", true, ""}},
                            "{valid, expired, peerId}",
                            answering([&turn, seconds](const json& params) -> OperationResult {
                              const auto verdict = turn.verify(parameter<std::string>(params, "username"),
                                                               parameter<std::string>(params, "credential"), seconds());
                              return json{{"valid", verdict.valid},
                                          {"expired", verdict.expired},
                                          {"peerId", verdict.user ? json(*verdict.user) : json()}};
                            })});
  }
}

}  // namespace sluice::app
