// ConfigManager and FeatureFlags: tables of this program, or, once attached, the server's.
#include <mutex>
#include <optional>
#include <utility>

#include "control/config/config_manager.hpp"
#include "control/config/feature_flags.hpp"
#include "control/config/server_config.hpp"
#include "control/config/sources.hpp"
#include "control/embedding/answer_parts.hpp"
#include "control/embedding/optional_members.hpp"
#include "sluice/admin.hpp"
#include "sluice/server.hpp"

namespace sluice::rooms {

namespace {

/// The server's side of an object: none, or the state of a server.
using Handlers = std::multimap<std::string, std::function<void(const Json&)>>;

void tell(std::mutex& lock, const Handlers& handlers, const std::string& event, const Json& data) {
  std::vector<std::function<void(const Json&)>> due;
  {
    const std::lock_guard guard(lock);
    const auto [from, to] = handlers.equal_range(event);
    for (auto at = from; at != to; ++at) due.push_back(at->second);
  }
  for (const auto& handler : due) handler(data);
}

/// Runs what may find mistakes of the person who configures.
template <typename Work>
auto checked(Work&& work) {
  try {
    return work();
  } catch (const config::ConfigError& error) {
    throw Error(ErrorCode::invalid_params, error.what());
  }
}

std::string scope_name(config::FeatureFlags::Scope scope) {
  switch (scope) {
    case config::FeatureFlags::Scope::global:
      return "global";
    case config::FeatureFlags::Scope::tenant:
      return "tenant";
    case config::FeatureFlags::Scope::room:
      break;
  }
  return "room";
}

void refuse_beyond(bool done) {
  if (!done) throw Error(ErrorCode::refused, "There are too many flags.");
}

}  // namespace

// --- ConfigManager --------------------------------------------------------------------------------------------------------

struct ConfigManager::Impl {
  std::mutex lock;
  Handlers handlers;
  std::optional<config::ConfigManager> own;
  std::function<Json(const std::string&, Json)> server;  // once attached
  std::vector<Listener> listeners;
};

ConfigManager::ConfigManager(const Json& configuration) : impl_(std::make_shared<Impl>()) {
  const Json tree = checked([&] {
    std::vector<std::string> warnings;
    Json read = config::read_document(configuration.dump(), "configuration", warnings);
    (void)config::resolve(read, 1);
    return read;
  });
  impl_->own.emplace(tree, [impl = impl_.get()](const config::ConfigManager::Change& change) {
    tell(impl->lock, impl->handlers, "config:changed",
         {{"path", change.path}, {"value", change.value}, {"previous", change.previous}});
  });
}
ConfigManager::~ConfigManager() {
  for (Listener& listener : impl_->listeners) listener.cancel();
}

Json ConfigManager::get(const std::string& path, const Json& fallback) const {
  if (!impl_->server) return impl_->own->get(path, fallback);
  return embedding::part_in(impl_->server("config.get", {{"path", path}}), "value").value_or(fallback);
}
Json ConfigManager::all() const {
  return impl_->server ? impl_->server("config.all", Json::object()).value("config", Json::object()) : impl_->own->all();
}
std::vector<std::string> ConfigManager::set(const std::string& path, const Json& value) {
  if (impl_->server)
    return embedding::texts_in(impl_->server("config.set", {{"path", path}, {"value", value}}), "restartNeeded");
  checked([&] {
    config::ConfigManager trial = *impl_->own;
    trial.set(path, value);
    (void)config::resolve(trial.effective(), 1);
    impl_->own->set(path, value);
    return true;
  });
  return {};
}
bool ConfigManager::unset(const std::string& path) {
  return impl_->server ? embedding::flag_in(impl_->server("config.unset", {{"path", path}}), "unset")
                       : impl_->own->unset(path);
}
Json ConfigManager::tree() const {
  return impl_->own->effective();
}
void ConfigManager::attach(SignalingServer& server) {
  if (impl_->server) return;
  impl_->listeners.push_back(server.on("config:changed", [weak = std::weak_ptr(impl_)](const Event& event) {
    if (const auto impl = weak.lock()) tell(impl->lock, impl->handlers, "config:changed", event.data);
  }));
  impl_->server = [state = server.state_](const std::string& method, Json params) {
    return SignalingServer::ask(state, method, std::move(params));
  };
}
void ConfigManager::on(const std::string& event, std::function<void(const Json&)> handler) {
  const std::lock_guard guard(impl_->lock);
  impl_->handlers.emplace(event, std::move(handler));
}

// --- FeatureFlags ---------------------------------------------------------------------------------------------------------

struct FeatureFlags::Impl {
  std::mutex lock;
  Handlers handlers;
  std::optional<config::FeatureFlags> own;
  std::function<Json(const std::string&, Json)> server;  // once attached
  std::vector<Listener> listeners;
};

FeatureFlags::FeatureFlags() : impl_(std::make_shared<Impl>()) {
  impl_->own.emplace([impl = impl_.get()](const config::FeatureFlags::Change& change) {
    Json data{{"scope", scope_name(change.scope)}};
    if (!change.id.empty()) data["id"] = change.id;
    if (change.flag) data["flag"] = *change.flag;
    if (change.value) data["value"] = *change.value;
    tell(impl->lock, impl->handlers, change.flag ? "flag:changed" : "flag:cleared", data);
  });
}
FeatureFlags::~FeatureFlags() {
  for (Listener& listener : impl_->listeners) listener.cancel();
}

void FeatureFlags::setGlobalFlag(const std::string& flag, bool value) {
  if (!impl_->server) return refuse_beyond(impl_->own->set_global(flag, value));
  (void)impl_->server("flags.set", {{"flag", flag}, {"value", value}});
}
void FeatureFlags::setTenantFlag(const std::string& tenantId, const std::string& flag, bool value) {
  if (!impl_->server) return refuse_beyond(impl_->own->set_tenant(tenantId, flag, value));
  (void)impl_->server("flags.set", {{"flag", flag}, {"value", value}, {"tenantId", tenantId}});
}
void FeatureFlags::setRoomFlag(const std::string& roomId, const std::string& flag, bool value) {
  if (!impl_->server) return refuse_beyond(impl_->own->set_room(roomId, flag, value));
  (void)impl_->server("flags.set", {{"flag", flag}, {"value", value}, {"roomId", roomId}});
}
void FeatureFlags::clearTenantFlags(const std::string& tenantId) {
  if (!impl_->server) return (void)impl_->own->clear_tenant(tenantId);
  (void)impl_->server("flags.clear", {{"tenantId", tenantId}});
}
void FeatureFlags::clearRoomFlags(const std::string& roomId) {
  if (!impl_->server) return (void)impl_->own->clear_room(roomId);
  (void)impl_->server("flags.clear", {{"roomId", roomId}});
}
bool FeatureFlags::isEnabled(const std::string& flag, const FlagContext& context) const {
  if (!impl_->server) return impl_->own->is_enabled(flag, {context.roomId, context.tenantId});
  Json params{{"flag", flag}};
  embedding::put(params, "roomId", context.roomId);
  embedding::put(params, "tenantId", context.tenantId);
  return embedding::flag_in(impl_->server("flags.isEnabled", std::move(params)), "enabled");
}
std::map<std::string, bool> FeatureFlags::resolve(const FlagContext& context) const {
  if (!impl_->server) return impl_->own->resolve({context.roomId, context.tenantId});
  Json params = Json::object();
  embedding::put(params, "roomId", context.roomId);
  embedding::put(params, "tenantId", context.tenantId);
  std::map<std::string, bool> flags;
  const Json answer = impl_->server("flags.resolve", std::move(params)).value("flags", Json::object());
  for (const auto& [name, value] : answer.items()) flags[name] = value.is_boolean() && value.get<bool>();
  return flags;
}
Json FeatureFlags::stats() const {
  if (impl_->server) return impl_->server("flags.stats", Json::object());
  const config::FeatureFlags::Stats stats = impl_->own->stats();
  return {{"globalFlags", stats.global_flags},
          {"tenantOverrides", stats.tenant_overrides},
          {"roomOverrides", stats.room_overrides}};
}
void FeatureFlags::attach(SignalingServer& server) {
  if (impl_->server) return;
  for (const char* name : {"flag:changed", "flag:cleared"}) {
    impl_->listeners.push_back(server.on(name, [weak = std::weak_ptr(impl_), name](const Event& event) {
      if (const auto impl = weak.lock()) tell(impl->lock, impl->handlers, name, event.data);
    }));
  }
  impl_->server = [state = server.state_](const std::string& method, Json params) {
    return SignalingServer::ask(state, method, std::move(params));
  };
}
void FeatureFlags::on(const std::string& event, std::function<void(const Json&)> handler) {
  const std::lock_guard guard(impl_->lock);
  impl_->handlers.emplace(event, std::move(handler));
}

}  // namespace sluice::rooms
