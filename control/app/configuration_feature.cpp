#include "control/app/configuration_feature.hpp"

#include "control/app/operation_params.hpp"
#include "control/config/sources.hpp"

namespace sluice::app {

using nlohmann::json;

ConfigurationFeature::ConfigurationFeature(FeatureContext& context) {
  Reconfiguration& reconfiguration = context.reconfiguration;
  const Operation::Parameter path{"path", "string", true, "such as signaling.maxPeersPerRoom"};
  context.operations.add(
      {"config.get",
       "the value of an option, or a section, with defaults; secrets are hidden",
       {path},
       "{path, value}: null when it has none",
       [&reconfiguration](const json& params, const OperationCaller&, const OperationReply& reply) {
         const std::string wanted = text_of(params, "path");
         reply(json{{"path", wanted}, {"value", config::redacted(reconfiguration.manager().get(wanted), wanted)}});
       }});
  context.operations.add({"config.all",
                          "the whole configuration, with defaults; secrets are hidden",
                          {},
                          "{config}",
                          [&reconfiguration](const json&, const OperationCaller&, const OperationReply& reply) {
                            reply(json{{"config", config::redacted(reconfiguration.manager().all())}});
                          }});
  context.operations.add({"config.set",
                          "sets an option until the control process ends",
                          {path, {"value", "any", true, "in the option's own type"}},
                          "{path, restartNeeded: paths that take effect with the next restart}",
                          [&reconfiguration](const json& params, const OperationCaller&, const OperationReply& reply) {
                            try {
                              const std::string wanted = text_of(params, "path");
                              const auto waiting = reconfiguration.set(wanted, params.at("value"));
                              reply(json{{"path", wanted}, {"restartNeeded", waiting}});
                            } catch (const config::ConfigError& error) {
                              reply(unexpected(OperationError{OperationError::Kind::invalid_params, error.what()}));
                            }
                          }});
  context.operations.add({"config.unset",
                          "takes back what config.set set",
                          {path},
                          "{path, unset}: whether it had been set",
                          [&reconfiguration](const json& params, const OperationCaller&, const OperationReply& reply) {
                            const std::string wanted = text_of(params, "path");
                            reply(json{{"path", wanted}, {"unset", reconfiguration.unset(wanted)}});
                          }});
}

}  // namespace sluice::app
