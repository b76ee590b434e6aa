#include "control/config/protoo_config.hpp"

#include "control/config/read_values.hpp"

namespace sluice::config {

ProtooConfig read_protoo(const nlohmann::json& tree) {
  ProtooConfig protoo;
  read_into(tree, "dialects.protoo.enabled", protoo.enabled);
  read_into(tree, "dialects.protoo.port", protoo.port);
  std::string duplicates = "reject";
  read_into(tree, "dialects.protoo.duplicatePeer", duplicates);
  protoo.replace_duplicates = duplicates == "replace";
  read_into(tree, "dialects.protoo.allowedOrigins", protoo.allowed_origins);
  read_into(tree, "dialects.protoo.token", protoo.token);
  read_into(tree, "dialects.protoo.maxMessageSize", protoo.max_message_bytes);
  return protoo;
}

}  // namespace sluice::config
