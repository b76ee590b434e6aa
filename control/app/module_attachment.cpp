#include "control/app/module_attachment.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "control/api/operation_terms.hpp"
#include "control/config/option.hpp"
#include "control/config/sources.hpp"
#include "control/observability/log.hpp"
#include "control/rooms/facts.hpp"
#include "shm/types/bytes.hpp"

namespace sluice::app {

using nlohmann::json;

namespace {

constexpr std::string_view prefix = "app/module/";

/// What can be put into place beside clients that are there. The rest are the server's own parts, which are on unless the
/// configuration says otherwise.
constexpr std::array<std::string_view, 17> attachable{
    "adaptiveBitrate", "alertManager",   "auditLogger",    "backpressure",  "consentFlow",  "dataResidency",
    "e2eKeyExchange",  "eventReplay",    "healthMonitor",  "moderationBus", "policyEngine", "rateLimiter",
    "retentionPolicy", "sessionManager", "threatDetector", "tracer",        "webhooks"};

/// The options in the types of the configuration. Throws ConfigError.
json checked(const std::string& module, const json& options) {
  std::vector<std::string> warnings;
  const json tree = config::read_document(json{{module, options}}.dump(), "modules.attach", warnings);
  return tree.value(module, json::object());
}

unsigned cpu_count() {
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

json attached_modules(const StateLog& log) {
  json modules = json::object();
  log.for_each(prefix, [&](std::string_view key, Bytes value) {
    json options = json::parse(as_text(value), nullptr, false);
    if (options.is_object()) modules[std::string(key.substr(prefix.size()))] = std::move(options);
  });
  return modules;
}

config::ServerConfig with_attached_modules(const config::ServerConfig& config, const StateLog& log) {
  const json modules = attached_modules(log);
  if (modules.empty()) return config;
  try {
    config::ServerConfig next = config::resolve(Reconfiguration::with_modules(config.tree, modules), cpu_count());
    next.signaling.tls = config.signaling.tls;  // of the copies in memory, not of the files
    return next;
  } catch (const config::ConfigError& error) {
    log::error("modules that were attached while the server ran do not fit the configuration; they are left out",
               {{"reason", error.what()}});
    return config;
  }
}

ModuleAttachment::ModuleAttachment(FeatureContext& context, Features& features) : context_(context), features_(features) {
  for (const config::Module& module : config::all_modules()) {
    if (module.status == config::ModuleStatus::available && config::attached(context.config.tree, module.key))
      in_place_.emplace(module.key);
  }
  context.operations.add(
      {"modules.attach",
       "Attaches a module to the running server, until the server ends; one that is attached already: nothing",
       {{"module", "string", true, "its key in the configuration, such as policyEngine"},
        {"options", "object", false, "its options, as in the configuration"}},
       "{module, attached: true, already}",
       at_once([this](const json& params) { return attach(params); })});
  context.operations.add(
      {"modules.list", "What is attached", {}, "{modules: [key]}", at_once([this](const json&) -> OperationResult {
         json keys = json::array();
         for (const std::string& key : in_place_) keys.push_back(key);
         return json{{"modules", std::move(keys)}};
       })});
}

OperationResult ModuleAttachment::attach(const json& params) {
  const std::string module = params["module"];
  const auto modules = config::all_modules();
  const auto known =
      std::find_if(modules.begin(), modules.end(), [&](const config::Module& one) { return one.key == module; });
  if (known == modules.end()) return invalid_params("There is no module '" + module + "'.");
  if (known->status != config::ModuleStatus::available) return unavailable("'" + module + "' is not built yet.");
  const json* given_options = given(params, "options");
  const json none = json::object();
  try {
    const json options = checked(module, given_options == nullptr ? none : *given_options);
    if (in_place_.contains(module)) return attach_again(module, options);
    if (std::find(attachable.begin(), attachable.end(), module) == attachable.end())
      return refused("'" + module + "' can be attached by the configuration of a server that starts only.");
    if (module == "auditLogger" && options.contains("filePath") && context_.audit_folder < 0)
      return refused(
          "'auditLogger.filePath' needs a folder that the server opens when it starts; attach it before listen().");
    if (module == "adaptiveBitrate" && context_.publications == nullptr)
      return refused("'adaptiveBitrate' needs 'nativeSfu'.");
    // Judged before anything changes.
    (void)config::resolve(Reconfiguration::with_modules(context_.config.tree, {{module, options}}), cpu_count());
    const std::string text = options.dump();
    if (!context_.state_log.put(std::string(prefix) + module, as_bytes(text))) return unavailable("This cannot be stored.");
    context_.reconfiguration.attach(module, options);
    const Bus::Mark mark = context_.bus.mark();
    Feature* feature = put_into_place(module);
    if (feature == nullptr) return unavailable("'" + module + "' could not be put into place.");
    in_place_.insert(module);
    context_.bus.publish_since(mark, RoomsRestored{});
    // Told to all: dialects pass on what only the new module asks for.
    for (std::size_t i = 0; i < features_.size(); ++i) features_[i]->attached(module);
  } catch (const config::ConfigError& error) {
    return invalid_params(error.what());
  }
  log::info("module attached", {{"module", module}});
  context_.events.emit("module:attached", {{"module", module}});  // without its options: they hold secrets
  return json{{"module", module}, {"attached", true}, {"already", false}};
}

OperationResult ModuleAttachment::attach_again(const std::string& module, const json& options) {
  // Another attach() of the same program says the same; one that says something else would be obeyed in part at best.
  const json now = context_.reconfiguration.manager().get(module, json::object());
  for (const auto& [name, value] : options.items()) {
    if (now.contains(name) && now[name] == value) continue;
    return refused("'" + module + "' is attached already, with another '" + name + "'; config.set changes single options.");
  }
  return json{{"module", module}, {"attached", true}, {"already", true}};
}

Feature* ModuleAttachment::put_into_place(const std::string& module) {
  const std::size_t count = features_.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (features_[i]->attach(module)) return features_[i].get();
  }
  return nullptr;
}

}  // namespace sluice::app
