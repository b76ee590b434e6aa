#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::socketio {

/// An HTTP request or WebSocket upgrade for an endpoint, as the engine needs it. All borrowed for the call.
struct EngineRequest {
  enum class Method : std::uint8_t { get, post, options, other };
  Method method = Method::get;
  std::string_view query;         // as sent, without '?'
  std::string_view content_type;  // empty: none
  std::string_view origin;
  std::string_view ip;
  std::string_view requested_headers;  // Access-Control-Request-Headers
  std::uint8_t entrance = 0;           // which way in, for the layer above: a listener's own or a shared one
};

struct EngineResponse {
  int status = 200;
  std::string content_type;  // empty: none
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

enum class TransportName : std::uint8_t { unknown, polling, websocket };

/// What the query says (contract section 2). Unknown parameters are ignored; of repeated ones the first counts.
struct EngineQuery {
  TransportName transport = TransportName::unknown;
  std::string eio;
  std::string sid;
  bool has_sid = false;
};
[[nodiscard]] EngineQuery read_engine_query(std::string_view query);

/// The errors of contract section 3; the value is the code on the wire.
enum class EngineError : std::uint8_t {
  transport_unknown = 0,
  session_unknown = 1,
  bad_handshake_method = 2,
  bad_request = 3,
  forbidden = 4,
  unsupported_version = 5,
};
[[nodiscard]] std::string_view error_text(EngineError error) noexcept;
[[nodiscard]] EngineResponse error_response(EngineError error);

/// CORS with any origin (contract section 6): the header of every response.
void allow_any_origin(EngineResponse& response);
/// The answer to OPTIONS.
[[nodiscard]] EngineResponse preflight_response(std::string_view requested_headers);

/// Whether a header's value holds control characters.
[[nodiscard]] bool has_control_characters(std::string_view value) noexcept;

}  // namespace sluice::socketio
