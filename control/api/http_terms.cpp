#include "control/api/http_terms.hpp"

#include <algorithm>
#include <charconv>

#include "control/api/room_json.hpp"

namespace sluice {

using loop::HttpResponse;
using nlohmann::json;

HttpResponse json_response(int status, const json& body) {
  return {status, "application/json", dump_json(body), {{"cache-control", "no-store"}}};
}

HttpResponse error_response(int status, std::string_view error) {
  return json_response(status, {{"error", error}});
}

HttpResponse error_response(const OperationError& error) {
  using Kind = OperationError::Kind;
  switch (error.kind) {
    case Kind::invalid_params:
      return error_response(400, error.message);
    case Kind::not_found:
      return error_response(404, error.message);
    case Kind::refused:
      return error_response(409, error.message);
    case Kind::unavailable:
      return error_response(503, error.message);
    case Kind::internal:
      break;
  }
  return error_response(500, "Internal server error");
}

std::optional<json> body_object(const std::string& text) {
  if (text.empty()) return json::object();
  std::optional<json> body = parse_json(text);
  if (!body || !body->is_object()) return std::nullopt;
  return body;
}

std::string percent_decoded(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3) {
      value += static_cast<char>(byte);
      i += 2;
    } else {
      value += text[i];
    }
  }
  return value;
}

std::optional<std::string> query_value(const std::string& query, const std::string& name) {
  std::size_t at = 0;
  while (at < query.size()) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    const std::string pair = query.substr(at, end - at);
    at = end + 1;
    if (!pair.starts_with(name + "=")) continue;
    std::string value = pair.substr(name.size() + 1);
    std::replace(value.begin(), value.end(), '+', ' ');
    return percent_decoded(value);
  }
  return std::nullopt;
}

bool comes_from_a_web_page(std::string_view host, std::string_view origin) {
  std::string_view name = host;
  if (name.starts_with("[")) {
    name = name.substr(0, std::min(name.find(']') + 1, name.size()));
  } else {
    name = name.substr(0, name.find(':'));
  }
  const bool is_loopback = name.empty() || name == "localhost" || name == "[::1]" || name.starts_with("127.");
  return !is_loopback || (!origin.empty() && origin != "http://" + std::string(host));
}

std::string path_below(const std::string& path, const std::string& prefix) {
  if (prefix.empty() || !path.starts_with(prefix)) return path;
  if (path.size() > prefix.size() && path[prefix.size()] != '/') return path;
  return path.substr(prefix.size());
}

}  // namespace sluice
