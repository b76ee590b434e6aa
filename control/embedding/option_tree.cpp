#include "control/embedding/option_tree.hpp"

#include <utility>

#include "control/embedding/optional_members.hpp"

namespace sluice::embedding {

using nlohmann::json;

json signaling_tree(const rooms::ServerOptions& options) {
  json tree = json::object();
  put(tree, "port", options.port);
  put(tree, "host", options.host);
  put(tree, "maxPeersPerRoom", options.maxPeersPerRoom);
  put(tree, "autoCreateRooms", options.autoCreateRooms);
  put(tree, "autoDestroyRooms", options.autoDestroyRooms);
  put(tree, "pingInterval", options.pingInterval);
  put(tree, "reconnectTtl", options.reconnectTtl);
  put(tree, "apiSecret", options.apiSecret);
  put(tree, "maxMessageSize", options.maxMessageSize);
  put(tree, "trustProxy", options.trustProxy);
  if (options.turn) {
    json turn{{"secret", options.turn->secret}, {"urls", options.turn->urls}};
    put(turn, "ttl", options.turn->ttl);
    tree["turn"] = std::move(turn);
  }
  return tree;
}

std::function<json(const json&)> hook_of(rooms::BeforeJoin hook) {
  return [hook = std::move(hook)](const json& request) -> json {
    const rooms::JoinAnswer answer = hook({.peer = request.value("peer", json::object()),
                                           .roomId = request.value("roomId", std::string()),
                                           .ip = request.value("ip", std::string())});
    json result{{"allow", answer.allow}};
    if (!answer.reason.empty()) result["reason"] = answer.reason;
    if (answer.metadata.is_object()) result["metadata"] = answer.metadata;
    return result;
  };
}

}  // namespace sluice::embedding
