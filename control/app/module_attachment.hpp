#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "control/app/feature_context.hpp"

namespace sluice::app {

/// Modules that were attached while this server ran, by key, with their options: a death of control does not detach them.
[[nodiscard]] nlohmann::json attached_modules(const StateLog& log);
/// The configuration with them. What cannot be used together with it any more is left out, with a warning.
[[nodiscard]] config::ServerConfig with_attached_modules(const config::ServerConfig& config, const StateLog& log);

/// Attaches modules of contract section 38 to the running server (`modules.attach`): their options are judged as those of
/// the configuration file are, the feature that they belong to puts them into place, and they are told of the rooms and
/// peers that exist. Idempotent. For as long as the server lives, restarts of control included.
class ModuleAttachment final : public Feature {
 public:
  /// `features` is borrowed; it may grow.
  ModuleAttachment(FeatureContext& context, Features& features);

 private:
  [[nodiscard]] OperationResult attach(const nlohmann::json& params);
  [[nodiscard]] OperationResult attach_again(const std::string& module, const nlohmann::json& options);
  [[nodiscard]] Feature* put_into_place(const std::string& module);

  FeatureContext& context_;
  Features& features_;
  // What works, which is not what the configuration says once it was read again: much of that waits for a restart.
  std::set<std::string, std::less<>> in_place_;
};

}  // namespace sluice::app
