#include <nlohmann/json.hpp>

#include "control/signaling/whip/whip_route.hpp"

namespace sluice {

namespace {

/// A quoted string of a header (RFC 9110 section 5.6.4).
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::vector<std::string> ice_server_links(std::string_view ice_servers_json) {
  std::vector<std::string> links;
  const auto servers = nlohmann::json::parse(ice_servers_json, nullptr, false);
  if (!servers.is_array()) return links;
  for (const auto& server : servers) {
    if (!server.is_object() || !server.contains("urls")) continue;
    const nlohmann::json& urls = server["urls"];
    const std::string username = text_of(server, "username");
    const std::string credential = text_of(server, "credential");
    for (const auto& url : urls.is_array() ? urls : nlohmann::json::array({urls})) {
      if (!url.is_string() || url.get<std::string>().find_first_of("<>\r\n ") != std::string::npos) continue;
      std::string link = "<" + url.get<std::string>() + ">; rel=\"ice-server\"";
      if (!username.empty()) {
        link += "; username=" + quoted(username) + "; credential=" + quoted(credential) + "; credential-type=\"password\"";
      }
      links.push_back(std::move(link));
    }
  }
  return links;
}

}  // namespace sluice
