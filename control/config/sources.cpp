#include "control/config/sources.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "control/config/config_errors.hpp"
#include "control/config/option.hpp"

namespace sluice::config {

using nlohmann::json;

namespace {

// Contract section 38: the reference's own environment names, by the path of its tree.
constexpr std::array<std::pair<std::string_view, std::string_view>, 15> reference_environment{{
    {"WEBRTC_ROOMS_PORT", "server.port"},
    {"WEBRTC_ROOMS_MAX_PEERS", "server.maxPeersPerRoom"},
    {"WEBRTC_ROOMS_RECONNECT_TTL", "server.reconnectTtl"},
    {"WEBRTC_ROOMS_REGION", "region.id"},
    {"WEBRTC_ROOMS_MULTI_REGION", "region.multiRegion"},
    {"WEBRTC_ROOMS_SFU_ADAPTER", "sfu.adapter"},
    {"WEBRTC_ROOMS_SFU_LISTEN_IP", "sfu.listenIp"},
    {"WEBRTC_ROOMS_SFU_ANNOUNCED_IP", "sfu.announcedIp"},
    {"WEBRTC_ROOMS_JWT_SECRET", "security.jwtSecret"},
    {"WEBRTC_ROOMS_JWT_ALGORITHM", "security.jwtAlgorithm"},
    {"WEBRTC_ROOMS_ENFORCE_POLICIES", "security.enforceRoomPolicies"},
    {"WEBRTC_ROOMS_AUDIT_LOG", "compliance.auditLog"},
    {"WEBRTC_ROOMS_RETENTION_DAYS", "compliance.retentionDays"},
    {"WEBRTC_ROOMS_METRICS", "observability.metrics"},
    {"WEBRTC_ROOMS_TRACING", "observability.tracing"},
}};

json scalar_to_json(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;  // quoted
  if (bool value = false; YAML::convert<bool>::decode(node, value)) return value;
  if (long long value = 0; YAML::convert<long long>::decode(node, value)) return value;
  // Addresses such as 10.0.0.1 are no numbers; 1.5 is.
  if (double value = 0; YAML::convert<double>::decode(node, value)) return value;
  return text;
}

json to_json(const YAML::Node& node, int depth = 0) {
  if (depth > 32) throw ConfigError("The configuration is nested deeper than 32 levels; check its indentation.");
  if (node.IsMap()) {
    json object = json::object();
    for (const auto& entry : node) object[entry.first.as<std::string>()] = to_json(entry.second, depth + 1);
    return object;
  }
  if (node.IsSequence()) {
    json array = json::array();
    for (const auto& entry : node) array.push_back(to_json(entry, depth + 1));
    return array;
  }
  if (node.IsScalar()) return scalar_to_json(node);
  return nullptr;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string unknown_option(std::string_view path, const std::string& origin) {
  std::string_view nearest;
  std::size_t best = path.size() / 3 + 1;
  for (const Option& option : all_options()) {
    if (const std::size_t distance = edit_distance(path, option.path); distance <= best) {
      best = distance;
      nearest = option.path;
    }
  }
  std::string sentence = "There is no option '" + std::string(path) + "' (" + origin + ")";
  sentence += nearest.empty() ? "; docs/configuration.md and 'sluice serve --help' list them all."
                              : "; did you mean '" + std::string(nearest) + "'?";
  return sentence;
}

[[noreturn]] void wrong(const Option& option, const std::string& origin, const std::string& must) {
  throw ConfigError("'" + std::string(option.path) + "' (" + origin + ") must be " + must + ".");
}

/// The value in the option's own type, or a ConfigError.
json checked(const Option& option, const json& value, const std::string& origin) {
  const auto in_range = [&](const json& number) {
    return number.is_number_integer() && number.get<std::int64_t>() >= option.min &&
           number.get<std::int64_t>() <= option.max;
  };
  const std::string range = "a whole number from " + std::to_string(option.min) + " to " + std::to_string(option.max);
  switch (option.type) {
    case OptionType::boolean:
      if (!value.is_boolean()) wrong(option, origin, "true or false");
      return value;
    case OptionType::integer:
      if (!in_range(value)) wrong(option, origin, range);
      return value;
    case OptionType::number:
      if (!value.is_number()) wrong(option, origin, "a number");
      if (option.min < option.max &&
          (value.get<double>() < static_cast<double>(option.min) || value.get<double>() > static_cast<double>(option.max)))
        wrong(option, origin, "a number from " + std::to_string(option.min) + " to " + std::to_string(option.max));
      return value;
    case OptionType::json:
      return value;
    case OptionType::integer_list: {
      const json list = value.is_array() ? value : json::array({value});
      if (!std::all_of(list.begin(), list.end(), in_range)) wrong(option, origin, range + ", or a list of such");
      return list;
    }
    case OptionType::text:
    case OptionType::text_list: {
      const auto as_text = [&](const json& item) -> json {
        if (item.is_string()) return item;
        if (item.is_number() || item.is_boolean()) return item.dump();
        wrong(option, origin, option.type == OptionType::text ? "a text" : "a text or a list of texts");
      };
      if (option.type == OptionType::text) {
        const json result = as_text(value);
        const std::string choices = "|" + std::string(option.choices) + "|";
        if (!option.choices.empty() && choices.find("|" + result.get<std::string>() + "|") == std::string::npos) {
          wrong(option, origin, "one of " + std::string(option.choices));
        }
        return result;
      }
      json list = json::array();
      for (const json& item : value.is_array() ? value : json::array({value})) list.push_back(as_text(item));
      return list;
    }
  }
  return value;
}

/// Checks one node of a document and copies what is known into `out`; goes on after a mistake.
void take(const json& node, const std::string& path, const std::string& origin, json& out, ConfigErrors& errors) {
  if (const Option* option = find_option(path)) {
    if (!node.is_null()) errors.attempt([&] { set_at(out, path, checked(*option, node, origin)); });
    return;
  }
  const auto options = all_options();
  const bool is_folder =
      std::any_of(options.begin(), options.end(), [&](const Option& option) { return option.path.starts_with(path + "."); });
  if (!is_folder) return errors.add(unknown_option(path, origin));
  if (node.is_null()) return;
  if (!node.is_object())
    return errors.add("'" + path + "' (" + origin + ") must hold options by name, as '" + path + ".name: value'.");
  const std::string prefix = path + ".";
  for (const auto& [key, value] : node.items()) take(value, prefix + key, origin, out, errors);
}

const Module* find_module(std::string_view key) {
  const auto modules = all_modules();
  const auto found = std::find_if(modules.begin(), modules.end(), [&](const Module& module) { return module.key == key; });
  return found == modules.end() ? nullptr : &*found;
}

/// Applies one top-level key. Returns false if the key is no module at all.
bool take_module(const std::string& key, const json& node, const std::string& origin, json& out,
                 std::vector<std::string>& warnings) {
  const Module* module = find_module(key);
  if (module == nullptr) return false;
  switch (module->status) {
    case ModuleStatus::inert:
      if (node != false) warnings.push_back("'" + key + "' (" + origin + ") is accepted but has no effect in this version");
      return true;
    case ModuleStatus::available:
      if (node.is_boolean()) {
        out[key + "Enabled"] = node;
        if (node.get<bool>() && !out.contains(key)) out[key] = json::object();
      } else {
        // An empty section attaches the module too.
        if (!out.contains(key)) out[key] = json::object();
        ConfigErrors errors;
        if (!node.is_null() && !(node.is_object() && node.empty())) take(node, key, origin, out, errors);
        errors.throw_if_any();
      }
      return true;
  }
  return true;
}

std::string read_file(const std::string& name) {
  const std::ifstream file(name, std::ios::binary);
  if (!file) throw ConfigError("The configuration file '" + name + "' cannot be read; check the name and its rights.");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

const json* value_at(const json& tree, std::string_view path) {
  const json* node = &tree;
  while (true) {
    const std::size_t dot = path.find('.');
    if (!node->is_object()) return nullptr;
    const auto found = node->find(std::string(path.substr(0, dot)));
    if (found == node->end()) return nullptr;
    node = &*found;
    if (dot == std::string_view::npos) return node;
    path.remove_prefix(dot + 1);
  }
}

void set_at(json& tree, std::string_view path, json value) {
  json* node = &tree;
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    node = &(*node)[std::string(path.substr(0, dot))];
    if (!node->is_object()) *node = json::object();
    path.remove_prefix(dot + 1);
  }
  (*node)[std::string(path)] = std::move(value);
}

json read_document(const std::string& text, const std::string& file_name, std::vector<std::string>& warnings) {
  json document;
  try {
    document = to_json(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    throw ConfigError("The configuration file '" + file_name + "' is not valid YAML: line " +
                      std::to_string(error.mark.line + 1) + ", " + error.msg + ".");
  }
  json out = json::object();
  if (document.is_null()) return out;
  if (!document.is_object()) throw ConfigError("The configuration file '" + file_name + "' must hold options by name.");
  ConfigErrors errors;
  for (const auto& [key, node] : document.items()) {
    errors.attempt([&, &key = key, &node = node] {
      if (!take_module(key, node, file_name, out, warnings)) throw ConfigError(unknown_option(key, file_name));
    });
  }
  errors.throw_if_any();
  return out;
}

json read_value(std::string_view option_path, const std::string& yaml, const std::string& origin) {
  const Option* option = find_option(option_path);
  if (option == nullptr) throw ConfigError(unknown_option(option_path, origin));
  try {
    // A text is taken as typed: "::" and "no" are no YAML to the person who types them.
    if (option->type == OptionType::text) return checked(*option, yaml, origin);
    if (option->type == OptionType::text_list && !yaml.starts_with("[")) return checked(*option, yaml, origin);
    return checked(*option, to_json(YAML::Load(yaml)), origin);
  } catch (const YAML::Exception&) {
    throw ConfigError("The value of " + origin + " cannot be read as YAML; quote it.");
  }
}

json check_value(std::string_view option_path, const json& value, const std::string& origin) {
  const Option* option = find_option(option_path);
  if (option == nullptr) throw ConfigError(unknown_option(option_path, origin));
  return checked(*option, value, origin);
}

namespace {

/// What is taken without doing what its name says: one line each (DESIGN.md).
void warn_of_inert_values(const json& tree, std::vector<std::string>& warnings) {
  if (const json* value = value_at(tree, "region.multiRegion"); value != nullptr && *value == true)
    warnings.emplace_back("'region.multiRegion' is accepted but has no effect in this version: there is one region");
  if (const json* value = value_at(tree, "sfu.adapter");
      value != nullptr && value->is_string() && *value != "native" && *value != "")
    warnings.push_back("'sfu.adapter: " + value->get<std::string>() +
                       "' is accepted but has no effect in this version: this server's own SFU carries the media");
}

}  // namespace

Explicit merge_sources(const std::optional<std::string>& file, const Environment& environment,
                       std::span<const std::pair<std::string, std::string>> flags) {
  Explicit result;
  ConfigErrors errors;
  if (file) errors.attempt([&] { result.tree = read_document(read_file(*file), *file, result.warnings); });
  const auto set_from = [&](std::string_view path, const std::string& variable) {
    const std::optional<std::string> value = environment(variable);
    if (value) errors.attempt([&] { set_at(result.tree, path, read_value(path, *value, variable)); });
  };
  for (const auto& [name, path] : reference_environment) {
    if (find_option(path) != nullptr) set_from(path, std::string(name));
  }
  for (const Option& option : all_options()) set_from(option.path, environment_name(option.path));
  for (const auto& [path, yaml] : flags) {
    errors.attempt([&, &path = path, &yaml = yaml] {
      const std::string origin = "--" + path;
      const std::string key = path.substr(0, path.find('.'));
      const Module* module = find_module(key);
      const bool is_module =
          path == key || (find_option(path) == nullptr && module != nullptr && module->status != ModuleStatus::available);
      if (is_module &&
          take_module(key, path == key ? to_json(YAML::Load(yaml)) : json::object(), origin, result.tree, result.warnings))
        return;
      set_at(result.tree, path, read_value(path, yaml, origin));
    });
  }
  errors.throw_if_any();
  warn_of_inert_values(result.tree, result.warnings);
  return result;
}

}  // namespace sluice::config
