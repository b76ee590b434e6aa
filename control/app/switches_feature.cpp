#include "control/app/switches_feature.hpp"

#include "control/app/operation_params.hpp"

namespace sluice::app {

using config::FeatureFlags;
using nlohmann::json;

namespace {

json change_json(const FeatureFlags::Change& change) {
  json event{{"scope", change.scope == FeatureFlags::Scope::global   ? "global"
                       : change.scope == FeatureFlags::Scope::tenant ? "tenant"
                                                                     : "room"}};
  if (change.scope == FeatureFlags::Scope::tenant) event["tenantId"] = change.id;
  if (change.scope == FeatureFlags::Scope::room) event["roomId"] = change.id;
  if (change.flag) event["flag"] = *change.flag;
  if (change.value) event["value"] = *change.value;
  return event;
}

FeatureFlags::Context context_of(const json& params) {
  return {optional_text(params, "roomId"), optional_text(params, "tenantId")};
}

/// As JavaScript sees it: values become booleans (contract section 38).
bool truthy(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get<std::string>().empty();
  return !value.is_null();
}

}  // namespace

SwitchesFeature::SwitchesFeature(FeatureContext& context)
    : context_(context), flags_([this](const FeatureFlags::Change& change) {
        context_.events.emit(change.flag ? "flag:changed" : "flag:cleared", change_json(change));
      }) {
  for (const auto& [name, value] : context.config.observability.features) (void)flags_.set_global(name, value);
  room_destroyed_ =
      context.bus.subscribe<RoomDestroyed>([this](const RoomDestroyed& fact) { (void)flags_.clear_room(fact.room.value); });
  add_operations();
}

void SwitchesFeature::reload(const config::ServerConfig& config) {
  for (const auto& [name, value] : config.observability.features) {
    if (flags_.is_enabled(name, {}) != value) (void)flags_.set_global(name, value);
  }
}

void SwitchesFeature::add_operations() {
  const Operation::Parameter flag{"flag", "string", true, "its name"};
  const Operation::Parameter room{"roomId", "string", false, "in this room"};
  const Operation::Parameter tenant{"tenantId", "string", false, "of this tenant"};
  context_.operations.add(
      {"flags.set",
       "sets a switch: of a room, of a tenant, or for all",
       {flag, {"value", "any", true, "on or off"}, room, tenant},
       "{flag, value}",
       [this](const json& params, const OperationCaller&, const OperationReply& reply) {
         const auto context = context_of(params);
         const std::string name = text_of(params, "flag");
         const bool value = truthy(params.at("value"));
         const bool done = context.room     ? flags_.set_room(*context.room, name, value)
                           : context.tenant ? flags_.set_tenant(*context.tenant, name, value)
                                            : flags_.set_global(name, value);
         if (!done) return reply(unexpected(OperationError{OperationError::Kind::refused, "There are too many flags"}));
         reply(json{{"flag", name}, {"value", value}});
       }});
  context_.operations.add({"flags.clear",
                           "forgets all switches of a room or tenant",
                           {room, tenant},
                           "{cleared}: whether there were any",
                           [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                             const auto context = context_of(params);
                             if (!context.room && !context.tenant)
                               return reply(unexpected(OperationError{OperationError::Kind::invalid_params,
                                                                      "roomId or tenantId must be given"}));
                             bool cleared = context.room && flags_.clear_room(*context.room);
                             cleared = (context.tenant && flags_.clear_tenant(*context.tenant)) || cleared;
                             reply(json{{"cleared", cleared}});
                           }});
  context_.operations.add({"flags.isEnabled",
                           "whether a switch is on",
                           {flag, room, tenant},
                           "{flag, enabled}",
                           [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                             const std::string name = text_of(params, "flag");
                             reply(json{{"flag", name}, {"enabled", flags_.is_enabled(name, context_of(params))}});
                           }});
  context_.operations.add({"flags.resolve",
                           "all known switches",
                           {room, tenant},
                           "{flags: {name: value}}",
                           [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                             reply(json{{"flags", flags_.resolve(context_of(params))}});
                           }});
  context_.operations.add({"flags.stats",
                           "how many switches there are",
                           {},
                           "{globalFlags, tenantOverrides, roomOverrides}",
                           [this](const json&, const OperationCaller&, const OperationReply& reply) {
                             const FeatureFlags::Stats stats = flags_.stats();
                             reply(json{{"globalFlags", stats.global_flags},
                                        {"tenantOverrides", stats.tenant_overrides},
                                        {"roomOverrides", stats.room_overrides}});
                           }});
}

}  // namespace sluice::app
