#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "control/api/operations.hpp"
#include "shm/types/result.hpp"

/// JSON-RPC 2.0 (jsonrpc.org/specification), both ways over one connection: requests, notifications, responses, batches.
namespace sluice {

/// Codes of errors; those below -32000 are the specification's.
enum class RpcCode : int {
  parse_error = -32700,
  invalid_request = -32600,
  method_not_found = -32601,
  invalid_params = -32602,
  internal = -32603,
  not_found = -32001,    // no such room, peer ...
  refused = -32002,      // not here and now
  unavailable = -32003,  // the module is not attached, or cannot work now
  too_busy = -32004,     // too many calls under way on this connection
  too_long = -32005,     // the line was longer than the limit
};

[[nodiscard]] RpcCode rpc_code(OperationError::Kind kind) noexcept;

struct RpcRequest {
  std::optional<nlohmann::json> id;  // text, number or null; nothing: a notification, which is not answered
  std::string method;
  nlohmann::json params;  // object, array or null
};
/// The client's answer to a request of ours.
struct RpcAnswer {
  nlohmann::json id;
  std::optional<nlohmann::json> result;
  std::string error;  // its message, if there is no result
};
/// Is none of both; answered by invalid_request under `id`.
struct RpcInvalid {
  nlohmann::json id;
};
using RpcItem = std::variant<RpcRequest, RpcAnswer, RpcInvalid>;

struct RpcLine {
  std::vector<RpcItem> items;
  bool is_batch = false;
};

/// What one line says. Errors: parse_error when it is no JSON (or nested deeper than 64), invalid_request for an empty batch
/// or one of more than `batch_max`.
[[nodiscard]] Result<RpcLine, RpcCode> read_rpc_line(std::string_view line, std::size_t batch_max);

[[nodiscard]] nlohmann::json rpc_result(const nlohmann::json& id, nlohmann::json result);
[[nodiscard]] nlohmann::json rpc_error(const nlohmann::json& id, RpcCode code, std::string_view message);
[[nodiscard]] nlohmann::json rpc_notification(std::string_view method, nlohmann::json params);
[[nodiscard]] nlohmann::json rpc_request(const nlohmann::json& id, std::string_view method, nlohmann::json params);

}  // namespace sluice
