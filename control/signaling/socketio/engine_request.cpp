#include "control/signaling/socketio/engine_request.hpp"

#include <algorithm>
#include <optional>

namespace sluice::socketio {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Percent-decoding of a query's value; a broken escape stays as it is.
std::string decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

EngineQuery read_engine_query(std::string_view query) {
  EngineQuery result;
  std::optional<std::string> transport;
  std::optional<std::string> eio;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value = pair.substr(std::min(pair.size(), equals + 1));
    if (name == "transport" && !transport) {
      transport = decoded(value);
    } else if (name == "EIO" && !eio) {
      eio = decoded(value);
    } else if (name == "sid" && !result.has_sid && !value.empty()) {
      result.has_sid = true;
      result.sid = decoded(value);
    }
  }
  if (transport == "polling") result.transport = TransportName::polling;
  if (transport == "websocket") result.transport = TransportName::websocket;
  result.eio = std::move(eio).value_or("");
  return result;
}

std::string_view error_text(EngineError error) noexcept {
  switch (error) {
    case EngineError::transport_unknown:
      return "Transport unknown";
    case EngineError::session_unknown:
      return "Session ID unknown";
    case EngineError::bad_handshake_method:
      return "Bad handshake method";
    case EngineError::bad_request:
      return "Bad request";
    case EngineError::forbidden:
      return "Forbidden";
    case EngineError::unsupported_version:
      break;
  }
  return "Unsupported protocol version";
}

EngineResponse error_response(EngineError error) {
  EngineResponse response;
  response.status = error == EngineError::forbidden ? 403 : 400;
  response.content_type = "application/json";
  response.body =
      R"({"code":)" + std::to_string(static_cast<int>(error)) + R"(,"message":")" + std::string(error_text(error)) + "\"}";
  return response;
}

void allow_any_origin(EngineResponse& response) {
  response.headers.emplace_back("Access-Control-Allow-Origin", "*");
}

EngineResponse preflight_response(std::string_view requested_headers) {
  EngineResponse response;
  response.status = 204;
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
  response.headers.emplace_back("Vary", "Access-Control-Request-Headers");
  if (!requested_headers.empty() && !has_control_characters(requested_headers))
    response.headers.emplace_back("Access-Control-Allow-Headers", std::string(requested_headers));
  return response;
}

bool has_control_characters(std::string_view value) noexcept {
  return std::any_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

}  // namespace sluice::socketio
