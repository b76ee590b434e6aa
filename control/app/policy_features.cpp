#include "control/app/policy_features.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "control/app/policy_metrics.hpp"
#include "control/app/policy_modules.hpp"
#include "control/hooks/http_hook.hpp"

namespace sluice::app {
namespace {

using config::PolicyConfig;

CapabilitySet capabilities_of(const std::vector<std::string>& names) {
  CapabilitySet set;
  for (const std::string& name : names)
    if (const auto capability = parse_capability(name)) set.add(*capability);
  return set;
}

ConsentTypes types_of(const std::vector<std::string>& names) {
  ConsentTypes types;
  for (const std::string& name : names)
    if (const auto type = parse_consent_type(name)) types.add(*type);
  return types;
}

/// The hook geoLookup as the residency module asks it: `{ip}` -> a text, or `{region}`.
DataResidency::GeoLookup geo_lookup(Hooks& hooks) {
  return [&hooks](const std::string& ip, TimePoint now, const DataResidency::RegionReply& reply) {
    if (!hooks.attached("geoLookup")) return reply(std::nullopt);
    hooks.call("geoLookup", {{"ip", ip}}, now, [reply](const HookResult& result) {
      if (!result) return reply(std::nullopt);
      const nlohmann::json& region = result->is_object() && result->contains("region") ? (*result)["region"] : *result;
      reply(region.is_string() ? std::optional(region.get<std::string>()) : std::nullopt);
    });
  };
}

class PolicyFeature final : public Feature {
 public:
  explicit PolicyFeature(FeatureContext& context) : context_(context) {
    const PolicyConfig& config = context.config.policy;
    attach_hooks(config);
    make_door(config);
    make_rules(config);
    add_policy_operations(context, modules_);
    add_compliance_operations(context, modules_);
    add_moderation_operations(context, modules_);
    events_ = follow_policy_events(context);
  }

  bool attach(std::string_view module) override {
    const PolicyConfig& config = context_.config.policy;
    if (module == "policyEngine") {
      make_policy(config);
      give_defaults(config);
      add_policy_engine_operations(context_, *modules_.policy);
    } else if (module == "consentFlow") {
      make_consent(config);
      add_consent_operations(context_, *modules_.consent);
    } else if (module == "e2eKeyExchange") {
      make_e2e(config);
      add_e2e_operations(context_, *modules_.e2e);
    } else if (module == "moderationBus") {
      make_moderation(config);
      add_moderation_operations(context_, modules_);
    } else if (module == "dataResidency") {
      make_residency(config);
      attach_hooks(config);
      add_residency_operations(context_, *modules_.residency);
      events_.push_back(follow_residency_events(context_));
    } else {
      return false;
    }
    return true;
  }
  void attached(std::string_view module) override {
    if (module == "consentFlow") modules_.consent->ask_members();
  }

  void handle_timeout(TimePoint now) override {
    if (modules_.consent) modules_.consent->handle_timeout(now);
    if (modules_.e2e) modules_.e2e->handle_timeout(now);
  }
  [[nodiscard]] TimePoint next_deadline() const override {
    TimePoint next = never;
    if (modules_.consent) next = std::min(next, modules_.consent->next_deadline());
    if (modules_.e2e) next = std::min(next, modules_.e2e->next_deadline());
    return next;
  }
  /// Hook URLs and their secret may change while the server runs; secrets of tokens may not, because members hold tokens.
  void reload(const config::ServerConfig& config) override { attach_hooks(config.policy); }

 private:
  void attach_hooks(const PolicyConfig& config) {
    attachments_.clear();
    attach_hook("beforeJoin", config.before_join_url, config.hook_secret);
    if (config.data_residency) attach_hook("geoLookup", config.data_residency->geo_lookup_url, config.hook_secret);
  }
  void attach_hook(const char* hook, const std::string& url, const std::string& secret) {
    if (url.empty()) return;
    attachments_.push_back(context_.hooks.attach(
        hook, http_hook(context_.http, context_.entropy,
                        [now = context_.now, unix_ms = context_.unix_ms] { return unix_ms(now()); }, {url, secret})));
  }

  /// Who may come in: room token, user hook, policy. Their order in the chain is fixed by their stages.
  void make_door(const PolicyConfig& config) {
    if (!config.api_secret.empty()) {
      modules_.room_token.emplace(context_.rooms, context_.bus, config.api_secret, context_.unix_ms);
    }
    modules_.user_hook.emplace(context_.rooms, context_.hooks, context_.now);
    if (config.policy_engine) make_policy(config);
    if (const auto& turn = config.turn) {
      TurnOptions options;
      options.urls = turn->urls;
      options.secrets = {turn->secret};
      options.ttl = turn->ttl;
      modules_.turn.emplace(std::move(options));
      context_.native.set_ice_servers([this](const PeerId& peer, TimePoint now) {
        return std::optional(
            modules_.turn->ice_servers(peer.value, context_.unix_ms(now) / 1000, TurnCredentials::WithTtl::yes));
      });
    }
  }

  void make_policy(const PolicyConfig& config) {
    const config::PolicyEngineConfig& engine = *config.policy_engine;
    PolicyEngineOptions options;
    options.secret = engine.secret;
    options.issuer = engine.issuer;
    options.required = engine.required;
    options.default_capabilities = capabilities_of(engine.default_caps);
    options.token_metadata_key = engine.token_metadata_key;
    modules_.policy.emplace(context_.rooms, context_.bus, std::move(options), context_.unix_ms);
  }

  /// Members that came before the engine did have what one without a token gets.
  void give_defaults(const PolicyConfig& config) {
    Metadata defaults;
    defaults.set("__caps", capabilities_json(capabilities_of(config.policy_engine->default_caps)));
    defaults.set("__role", R"("viewer")");
    std::vector<PeerId> without;
    for (const auto& [id, peer] : context_.rooms.peers()) {
      if (peer->room() && peer->metadata().find("__caps") == nullptr) without.push_back(id);
    }
    for (const PeerId& id : without) (void)context_.rooms.patch_peer_metadata(id, defaults);
  }

  /// What holds inside. In the order in which a joiner is told of them.
  void make_rules(const PolicyConfig& config) {
    if (config.consent_flow) make_consent(config);
    if (config.e2e_key_exchange) make_e2e(config);
    if (config.moderation_bus) make_moderation(config);
    if (config.data_residency) make_residency(config);
  }

  void make_consent(const PolicyConfig& config) {
    const auto& consent = config.consent_flow;
    {
      ConsentFlowOptions options;
      options.required = types_of(consent->required);
      options.all_party = consent->all_party;
      options.version = consent->version;
      options.timeout = consent->timeout;
      modules_.consent.emplace(context_.rooms, context_.bus, context_.state_log, std::move(options),
                               ConsentFlow::Clocks{context_.now, context_.unix_ms});
      modules_.consent_payloads.emplace(context_.rooms, *modules_.consent);
      context_.native.attach(*modules_.consent_payloads);
    }
  }

  void make_e2e(const PolicyConfig& config) {
    const auto& e2e = config.e2e_key_exchange;
    {
      modules_.e2e.emplace(context_.rooms, context_.bus, context_.state_log,
                           E2eOptions{e2e->require_key_on_join, e2e->announcement_timeout, e2e->allowed_curves},
                           E2eKeyExchange::Clocks{context_.now, context_.unix_ms});
      modules_.e2e_payloads.emplace(context_.rooms, *modules_.e2e);
      context_.native.attach(*modules_.e2e_payloads);
    }
  }

  void make_moderation(const PolicyConfig& config) {
    const auto& moderation = config.moderation_bus;
    {
      // Without an engine everybody may do everything; one may be attached later.
      const auto has_capability = [this](const PeerId& peer, std::string_view name) {
        if (!modules_.policy) return true;
        const auto capability = parse_capability(name);
        return capability && modules_.policy->has(peer, *capability);
      };
      ModerationOptions options;
      options.allow_self_unmute = moderation->allow_self_unmute;
      modules_.moderation.emplace(context_.rooms, context_.bus, context_.state_log, options, has_capability,
                                  [now = context_.now, unix_ms = context_.unix_ms] { return unix_ms(now()); });
      modules_.moderation_journal.emplace(context_.store, *modules_.moderation, context_.bus, options.log_max);
      modules_.moderation_payloads.emplace(context_.rooms, *modules_.moderation);
      context_.native.attach(*modules_.moderation_payloads);
    }
  }

  void make_residency(const PolicyConfig& config) {
    const auto& residency = config.data_residency;
    {
      DataResidencyOptions options;
      options.local_region = residency->local_region;
      options.allowed_regions = residency->allowed_regions;
      options.enforce_room_region = residency->enforce_room_region;
      options.enforce_peer_region = residency->enforce_peer_region;
      options.violation_action = residency->reject ? ViolationAction::reject : ViolationAction::warn;
      modules_.residency.emplace(context_.rooms, context_.bus, std::move(options), geo_lookup(context_.hooks), context_.now);
    }
  }

  FeatureContext& context_;
  std::vector<Hooks::Attachment> attachments_;
  PolicyModules modules_;
  PolicyMetrics metrics_{context_, modules_};
  std::vector<Bus::Subscription> events_;
};

}  // namespace

void add_policy_features(FeatureContext& context, Features& features) {
  features.push_back(std::make_unique<PolicyFeature>(context));
}

}  // namespace sluice::app
