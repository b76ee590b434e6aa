#include "control/config/protoo_config.hpp"

#include "control/config/read_values.hpp"

namespace sluice::config {

ProtooConfig read_protoo(const nlohmann::json& tree) {
  ProtooConfig protoo;
  read(tree, "dialects.protoo.enabled", protoo.enabled);
  read(tree, "dialects.protoo.port", protoo.port);
  std::string duplicates = "reject";
  read(tree, "dialects.protoo.duplicatePeer", duplicates);
  protoo.replace_duplicates = duplicates == "replace";
  read(tree, "dialects.protoo.allowedOrigins", protoo.allowed_origins);
  read(tree, "dialects.protoo.token", protoo.token);
  read(tree, "dialects.protoo.maxMessageSize", protoo.max_message_bytes);
  return protoo;
}

}  // namespace sluice::config
