#include "control/config/config_manager.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "control/config/option.hpp"
#include "control/config/sources.hpp"

namespace sluice::config {

using nlohmann::json;

namespace {

/// Objects deeply, all else replaced (contract section 38).
void merge(json& into, const json& from) {
  for (const auto& [key, value] : from.items()) {
    if (value.is_object() && into.contains(key) && into[key].is_object()) {
      merge(into[key], value);
    } else {
      into[key] = value;
    }
  }
}

/// Removes a leaf, and the objects that are empty without it.
bool remove(json& tree, std::string_view path) {
  const std::size_t dot = path.find('.');
  const auto found = tree.find(std::string(path.substr(0, dot)));
  if (found == tree.end()) return false;
  if (dot == std::string_view::npos) {
    tree.erase(found);
    return true;
  }
  if (!found->is_object() || !remove(*found, path.substr(dot + 1))) return false;
  if (found->empty()) tree.erase(found);
  return true;
}

json or_null(const json* value) {
  return value == nullptr ? json() : *value;
}

}  // namespace

ConfigManager::ConfigManager(json explicit_tree, Listener listener)
    : explicit_(std::move(explicit_tree)), listener_(std::move(listener)) {}

json ConfigManager::effective() const {
  json tree = explicit_;
  merge(tree, runtime_);
  return tree;
}

json ConfigManager::all() const {
  json tree = json::object();
  for (const Option& option : all_options()) {
    if (!option.fallback.empty())
      set_at(tree, option.path, read_value(option.path, std::string(option.fallback), "the default"));
  }
  merge(tree, effective());
  return tree;
}

json ConfigManager::get(std::string_view path, json fallback) const {
  const json tree = all();
  const json* value = value_at(tree, path);
  return value == nullptr ? std::move(fallback) : *value;
}

void ConfigManager::set(std::string_view path, const json& value) {
  json checked = check_value(path, value, "set at run time");
  const json previous = get(path);
  set_at(runtime_, path, checked);
  if (listener_ && previous != checked) listener_({std::string(path), std::move(checked), previous});
}

bool ConfigManager::unset(std::string_view path) {
  const json previous = get(path);
  if (!remove(runtime_, path)) return false;
  const json tree = all();
  json value = or_null(value_at(tree, path));
  if (listener_ && previous != value) listener_({std::string(path), std::move(value), previous});
  return true;
}

bool is_secret(std::string_view path) {
  std::string name(path.substr(path.rfind('.') == std::string_view::npos ? 0 : path.rfind('.') + 1));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name.find("secret") != std::string::npos || name.find("password") != std::string::npos ||
         name.find("token") != std::string::npos || name.find("apppass") != std::string::npos || name == "key" ||
         name == "otlpheaders";
}

json redacted(const json& value, const std::string& path) {
  // A switch or a duration ("policyTokenTtl") gives nothing away, whatever its name.
  if (is_secret(path) && !value.is_null() && !value.is_boolean() && !value.is_number()) return "***";
  json out = value;
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) out[key] = redacted(member, path.empty() ? key : path + "." + key);
  } else if (value.is_array()) {
    for (json& element : out) element = redacted(element);
  }
  return out;
}

}  // namespace sluice::config
