#include "control/app/reconfiguration.hpp"

#include <utility>

#include "control/config/sources.hpp"
#include "control/observability/log.hpp"

namespace sluice::app {

using nlohmann::json;

json Reconfiguration::with_modules(json tree, const json& attached) {
  for (const auto& [key, options] : attached.items()) {
    if (tree.contains(key)) continue;
    tree.erase(key + "Enabled");  // `module: false`
    tree[key] = options;
  }
  return tree;
}

Reconfiguration::Reconfiguration(const config::ServerConfig& current, json attached, EventFeed& events, unsigned cpu_count,
                                 Apply apply)
    : events_(events),
      cpu_count_(cpu_count),
      apply_(std::move(apply)),
      manager_(current.tree),
      explicit_(current.tree),
      attached_(std::move(attached)),
      applied_{manager_.effective(), manager_.all()} {}

std::vector<std::string> Reconfiguration::take_over(bool warns) {
  const config::ServerConfig next = config::resolve(manager_.effective(), cpu_count_);
  config::ConfigView now{manager_.effective(), manager_.all()};
  const std::vector<std::string> changed = config::changed_options(applied_, now);
  std::vector<std::string> waiting;
  std::string names;
  for (const std::string& path : changed) {
    const json* value = config::value_at(now.all, path);
    const json* previous = config::value_at(applied_.all, path);
    events_.emit("config:changed", {{"path", path},
                                    {"value", config::redacted(value == nullptr ? json() : *value, path)},
                                    {"previous", config::redacted(previous == nullptr ? json() : *previous, path)}});
    if (config::is_reloadable(path)) continue;
    names += (names.empty() ? "" : ", ") + path;
    waiting.push_back(path);
  }
  applied_ = std::move(now);
  if (warns && !waiting.empty()) log::warn("these options take effect with the next restart", {{"options", names}});
  apply_(next);
  log::info("configuration taken over", {{"changed", changed.size()}, {"waiting", waiting.size()}});
  return waiting;
}

void Reconfiguration::attach(const std::string& module, const json& options) {
  json with = explicit_;
  with.erase(module + "Enabled");
  with[module] = options;
  manager_.reload(with);
  try {
    take_over(false);
  } catch (const config::ConfigError&) {
    manager_.reload(explicit_);
    throw;
  }
  explicit_ = std::move(with);
  attached_[module] = options;
}

void Reconfiguration::reload(json explicit_tree) {
  explicit_tree = with_modules(std::move(explicit_tree), attached_);
  manager_.reload(explicit_tree);
  try {
    take_over();
    explicit_ = std::move(explicit_tree);
  } catch (const config::ConfigError& error) {
    manager_.reload(explicit_);
    log::error("the configuration stays as it is", {{"reason", error.what()}});
  }
}

std::vector<std::string> Reconfiguration::set(const std::string& path, const json& value) {
  config::ConfigManager before = manager_;
  try {
    manager_.set(path, value);
    return take_over();
  } catch (const config::ConfigError&) {
    manager_ = std::move(before);
    throw;
  }
}

bool Reconfiguration::unset(const std::string& path) {
  if (!manager_.unset(path)) return false;
  take_over();
  return true;
}

}  // namespace sluice::app
