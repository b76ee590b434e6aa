#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "control/api/operations.hpp"
#include "control/loop/http_message.hpp"

/// What admin and governance API have in common.
namespace sluice {

/// JSON, never cached.
[[nodiscard]] loop::HttpResponse json_response(int status, const nlohmann::json& body);
/// {"error": text}.
[[nodiscard]] loop::HttpResponse error_response(int status, std::string_view error);
/// 400, 404, 409, 503 or 500 by the error's kind.
[[nodiscard]] loop::HttpResponse error_response(const OperationError& error);

/// The body as an object: empty = {}; nothing when it is no JSON object.
[[nodiscard]] std::optional<nlohmann::json> body_object(const std::string& text);
/// The value of one query parameter, percent-decoded.
[[nodiscard]] std::optional<std::string> query_value(const std::string& query, const std::string& name);
[[nodiscard]] std::string percent_decoded(std::string_view text);

/// Without a secret an API trusts whoever reaches loopback; a web page that the operator's browser shows does too. It gives
/// itself away by its Origin, or by a Host name of its own that resolves to loopback (DNS rebinding).
[[nodiscard]] bool comes_from_a_web_page(std::string_view host, std::string_view origin);

/// The path below `prefix`; as it is when it does not begin with it.
[[nodiscard]] std::string path_below(const std::string& path, const std::string& prefix);

}  // namespace sluice
