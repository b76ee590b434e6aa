#include "control/api/rpc_message.hpp"

#include <utility>

#include "control/api/room_json.hpp"

namespace sluice {

using nlohmann::json;

namespace {

bool is_id(const json& value) {
  return value.is_string() || value.is_number() || value.is_null();
}

json id_of(const json& object) {
  const auto id = object.find("id");
  return id != object.end() && is_id(*id) ? *id : json(nullptr);
}

RpcItem read_item(json value) {
  if (!value.is_object()) return RpcInvalid{};
  const auto version = value.find("jsonrpc");
  if (version == value.end() || *version != "2.0") return RpcInvalid{id_of(value)};
  const auto id = value.find("id");
  if (id != value.end() && !is_id(*id)) return RpcInvalid{};
  if (const auto method = value.find("method"); method != value.end()) {
    const auto params = value.find("params");
    const bool fits = params == value.end() || params->is_object() || params->is_array();
    if (!method->is_string() || !fits) return RpcInvalid{id_of(value)};
    return RpcRequest{id == value.end() ? std::nullopt : std::optional(*id), method->get<std::string>(),
                      params == value.end() ? json(nullptr) : std::move(*params)};
  }
  if (id == value.end()) return RpcInvalid{};
  if (const auto result = value.find("result"); result != value.end()) return RpcAnswer{*id, std::move(*result), {}};
  if (const auto error = value.find("error"); error != value.end() && error->is_object()) {
    const json message = error->value("message", json("error"));
    return RpcAnswer{*id, std::nullopt, message.is_string() ? message.get<std::string>() : "error"};
  }
  return RpcInvalid{id_of(value)};
}

}  // namespace

RpcCode rpc_code(OperationError::Kind kind) noexcept {
  switch (kind) {
    case OperationError::Kind::invalid_params:
      return RpcCode::invalid_params;
    case OperationError::Kind::not_found:
      return RpcCode::not_found;
    case OperationError::Kind::refused:
      return RpcCode::refused;
    case OperationError::Kind::unavailable:
      return RpcCode::unavailable;
    case OperationError::Kind::internal:
      break;
  }
  return RpcCode::internal;
}

Result<RpcLine, RpcCode> read_rpc_line(std::string_view line, std::size_t batch_max) {
  std::optional<json> value = parse_json(line);
  if (!value) return unexpected(RpcCode::parse_error);
  RpcLine result;
  if (!value->is_array()) {
    result.items.push_back(read_item(std::move(*value)));
    return result;
  }
  if (value->empty() || value->size() > batch_max) return unexpected(RpcCode::invalid_request);
  result.is_batch = true;
  for (json& item : *value) result.items.push_back(read_item(std::move(item)));
  return result;
}

json rpc_result(const json& id, json result) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}
json rpc_error(const json& id, RpcCode code, std::string_view message) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", static_cast<int>(code)}, {"message", message}}}};
}
json rpc_notification(std::string_view method, json params) {
  return {{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}};
}
json rpc_request(const json& id, std::string_view method, json params) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
}

}  // namespace sluice
