#include "control/config/feature_flags.hpp"

namespace sluice::config {

bool FeatureFlags::set_global(const std::string& flag, bool value) {
  if (!global_.contains(flag) && global_.size() >= flags_max) return false;
  global_[flag] = value;
  if (listener_) listener_({Scope::global, {}, flag, value});
  return true;
}

bool FeatureFlags::set(Overrides& overrides, Scope scope, const std::string& id, const std::string& flag, bool value) {
  if (!overrides.contains(id) && overrides.size() >= overrides_max) return false;
  Flags& flags = overrides[id];
  if (!flags.contains(flag) && flags.size() >= flags_max) return false;
  flags[flag] = value;
  if (listener_) listener_({scope, id, flag, value});
  return true;
}

bool FeatureFlags::set_tenant(const std::string& tenant, const std::string& flag, bool value) {
  return set(tenants_, Scope::tenant, tenant, flag, value);
}

bool FeatureFlags::set_room(const std::string& room, const std::string& flag, bool value) {
  return set(rooms_, Scope::room, room, flag, value);
}

bool FeatureFlags::clear(Overrides& overrides, Scope scope, const std::string& id) {
  if (overrides.erase(id) == 0) return false;
  if (listener_) listener_({scope, id, std::nullopt, std::nullopt});
  return true;
}

bool FeatureFlags::clear_tenant(const std::string& tenant) {
  return clear(tenants_, Scope::tenant, tenant);
}

bool FeatureFlags::clear_room(const std::string& room) {
  return clear(rooms_, Scope::room, room);
}

std::optional<bool> FeatureFlags::in(const Overrides& overrides, const std::optional<std::string>& id,
                                     std::string_view flag) {
  if (!id) return std::nullopt;
  const auto flags = overrides.find(*id);
  if (flags == overrides.end()) return std::nullopt;
  const auto value = flags->second.find(flag);
  if (value == flags->second.end()) return std::nullopt;
  return value->second;
}

bool FeatureFlags::is_enabled(std::string_view flag, const Context& context) const {
  if (const auto value = in(rooms_, context.room, flag)) return *value;
  if (const auto value = in(tenants_, context.tenant, flag)) return *value;
  const auto value = global_.find(flag);
  return value != global_.end() && value->second;
}

std::map<std::string, bool> FeatureFlags::resolve(const Context& context) const {
  std::map<std::string, bool> resolved;
  const auto add = [&](const Flags& flags) {
    for (const auto& [flag, value] : flags) resolved.try_emplace(flag, is_enabled(flag, context));
  };
  add(global_);
  for (const auto& [tenant, flags] : tenants_) add(flags);
  for (const auto& [room, flags] : rooms_) add(flags);
  return resolved;
}

}  // namespace sluice::config
