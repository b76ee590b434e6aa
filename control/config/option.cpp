#include "control/config/option.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "control/config/option_groups.hpp"

namespace sluice::config {

namespace {

using enum OptionType;

constexpr std::array modules{
    Module{"adaptiveBitrate", ModuleStatus::inert},   Module{"adminApi", ModuleStatus::available},
    Module{"alertManager", ModuleStatus::inert},      Module{"auditLogger", ModuleStatus::refused},
    Module{"backpressure", ModuleStatus::inert},      Module{"compliance", ModuleStatus::refused},
    Module{"consentFlow", ModuleStatus::refused},     Module{"control", ModuleStatus::available},
    Module{"dataResidency", ModuleStatus::refused},   Module{"dialects", ModuleStatus::available},
    Module{"drain", ModuleStatus::available},         Module{"e2eKeyExchange", ModuleStatus::inert},
    Module{"eventReplay", ModuleStatus::inert},       Module{"features", ModuleStatus::inert},
    Module{"governance", ModuleStatus::inert},        Module{"healthMonitor", ModuleStatus::inert},
    Module{"isolation", ModuleStatus::available},     Module{"log", ModuleStatus::available},
    Module{"media", ModuleStatus::available},         Module{"metricsCollector", ModuleStatus::available},
    Module{"moderationBus", ModuleStatus::inert},     Module{"nativeSfu", ModuleStatus::available},
    Module{"observability", ModuleStatus::inert},     Module{"policyEngine", ModuleStatus::refused},
    Module{"rateLimit", ModuleStatus::inert},         Module{"rateLimiter", ModuleStatus::inert},
    Module{"recording", ModuleStatus::inert},         Module{"redisAdapter", ModuleStatus::inert},
    Module{"region", ModuleStatus::available},        Module{"regionRouter", ModuleStatus::inert},
    Module{"retentionPolicy", ModuleStatus::refused}, Module{"roomPersistence", ModuleStatus::inert},
    Module{"security", ModuleStatus::refused},        Module{"server", ModuleStatus::available},
    Module{"sessionManager", ModuleStatus::inert},    Module{"sfu", ModuleStatus::available},
    Module{"sfuOrchestrator", ModuleStatus::inert},   Module{"signaling", ModuleStatus::available},
    Module{"threatDetector", ModuleStatus::inert},    Module{"store", ModuleStatus::available},
    Module{"tracer", ModuleStatus::inert},
    Module{"webhooks", ModuleStatus::inert},          Module{"workers", ModuleStatus::available},
};

std::string_view type_name(OptionType type) {
  switch (type) {
    case boolean:
      return "true/false";
    case integer:
      return "number";
    case text:
      return "text";
    case text_list:
      return "text or list";
    case integer_list:
      return "number or list";
    case number:
      return "number with fraction";
    case OptionType::json:
      return "YAML value";
  }
  return "";
}

}  // namespace

std::span<const Option> all_options() noexcept {
  static const std::vector<Option> options = [] {
    std::vector<Option> all;
    for (const auto group :
         {core_options(), policy_options(), security_options(), observability_options(), api_options(), dialect_options()}) {
      all.insert(all.end(), group.begin(), group.end());
    }
    std::sort(all.begin(), all.end(), [](const Option& a, const Option& b) { return a.path < b.path; });
    return all;
  }();
  return options;
}
std::span<const Module> all_modules() noexcept {
  return modules;
}

bool attached(const nlohmann::json& explicit_tree, std::string_view module_key) {
  // DESIGN: on without any configuration.
  constexpr std::array on_by_default{"nativeSfu", "adminApi", "governance", "metricsCollector", "moderationBus"};
  const std::string key(module_key);
  if (const auto said = explicit_tree.find(key + "Enabled"); said != explicit_tree.end()) return said->get<bool>();
  return explicit_tree.contains(key) || std::find(on_by_default.begin(), on_by_default.end(), key) != on_by_default.end();
}

const Option* find_option(std::string_view path) noexcept {
  const auto options = all_options();
  const auto found = std::find_if(options.begin(), options.end(), [&](const Option& option) { return option.path == path; });
  return found == options.end() ? nullptr : &*found;
}

std::string environment_name(std::string_view path) {
  std::string name = "SLUICE_";
  for (const char c : path) name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string options_as_markdown() {
  std::string out = "| option | type | default | meaning |\n|---|---|---|---|\n";
  for (const Option& option : all_options()) {
    out += "| `" + std::string(option.path) + "` | " + std::string(type_name(option.type));
    if (option.type == integer) out += " " + std::to_string(option.min) + "–" + std::to_string(option.max);
    if (!option.choices.empty()) {
      std::string choices(option.choices);
      std::replace(choices.begin(), choices.end(), '|', ',');
      out += " (" + choices + ")";
    }
    out += " | " + (option.fallback.empty() ? std::string("–") : "`" + std::string(option.fallback) + "`") + " | " +
           std::string(option.text) + " |\n";
  }
  return out;
}

}  // namespace sluice::config
