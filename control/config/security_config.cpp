#include "control/config/security_config.hpp"

#include "control/config/sources.hpp"

namespace sluice::config {

using nlohmann::json;

namespace {

template <typename T>
void read(const json& tree, std::string_view path, T& out) {
  if (const json* value = value_at(tree, path); value != nullptr && !value->is_null()) out = value->get<T>();
}

}  // namespace

SecurityConfig read_security(const json& tree) {
  SecurityConfig config;
  read(tree, "store.path", config.store.path);
  if (config.store.path == "off") config.store = {false, ""};
  return config;
}

}  // namespace sluice::config
