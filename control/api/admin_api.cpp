#include "control/api/admin_api.hpp"

#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "control/api/http_terms.hpp"

namespace sluice {

using loop::HttpMethod;
using loop::HttpRequest;
using loop::HttpResponse;
using nlohmann::json;

namespace {

bool reads(const HttpRequest& request) {
  return request.method == HttpMethod::get || request.method == HttpMethod::head;
}

/// Copies the members that the operation knows.
json picked(const json& body, std::initializer_list<const char*> names) {
  json params = json::object();
  for (const char* name : names) {
    if (const auto found = body.find(name); found != body.end()) params[name] = *found;
  }
  return params;
}

}  // namespace

AdminApi::AdminApi(const Operations& operations, WriteMetrics write_metrics, Options options)
    : HttpApi(operations, std::move(write_metrics), std::move(options), "adminApi.adminSecret") {}

void AdminApi::route(const HttpRequest& request, const Reply& reply) const {
  Meaning meaning = meaning_of(request);
  if (meaning.answer) return reply(std::move(*meaning.answer));
  operations().call(meaning.call.operation, meaning.call.params, {"http", request.remote_ip},
                    OperationReply([reply, status = meaning.call.status](OperationResult result) {
                      reply(result ? json_response(status, *result) : error_response(result.error()));
                    }));
}

AdminApi::Meaning AdminApi::meaning_of(const HttpRequest& request) const {
  const std::string path = path_of(request);
  const bool is_post = request.method == HttpMethod::post;
  const Meaning nothing{error_response(404, "Not found"), {}};
  if (reads(request)) {
    if (path == "/health") return {{}, {"server.health"}};
    if (path == "/stats") return {{}, {"server.stats"}};
    if (path == "/rooms") return {{}, {"rooms.list"}};
    if (path == "/peers") return {{}, {"peers.list"}};
    if (path == "/openapi.json") return {openapi().value_or(*nothing.answer), {}};
    if (path == "/workers" && operations().find("workers.list") != nullptr) return {{}, {"workers.list"}};
    if (path == "/drain" && operations().find("server.drainState") != nullptr) return {{}, {"server.drainState"}};
    if (path == "/recordings") {
      if (operations().find("recording.list") != nullptr) return {{}, {"recording.list"}};
      return {error_response(501, "Recording is not in this version"), {}};
    }
    if (path == "/metrics") return {metrics().value_or(*nothing.answer), {}};
  }
  if (path.starts_with("/rooms/")) return room_request(request, path.substr(7));
  if (path.starts_with("/peers/") && request.method == HttpMethod::del) {
    json params{{"peerId", path.substr(7)}};
    if (const auto body = body_object(request.body); body && body->contains("reason") && (*body)["reason"].is_string())
      params["reason"] = (*body)["reason"];
    if (const auto reason = query_value(request.query, "reason"); reason && !reason->empty()) params["reason"] = *reason;
    return {{}, {"peers.kick", std::move(params)}};
  }
  constexpr std::string_view workers = "/workers/";
  constexpr std::string_view drain = "/drain";
  const bool empties = path.starts_with(workers) && path.ends_with(drain) && path.size() >= workers.size() + drain.size();
  if (!is_post || (path != "/rooms" && path != "/drain" && !empties)) return nothing;

  const std::optional<json> body = body_object(request.body);
  if (!body) return {error_response(400, "Invalid JSON body"), {}};
  if (path == "/rooms") {
    const auto id = body->find("roomId");
    if (id != body->end() && !id->is_string()) return {error_response(400, "roomId must be a string"), {}};
    return {{}, {"rooms.create", picked(*body, {"roomId", "metadata", "maxPeers"}), 201}};
  }
  if (operations().find("server.drain") == nullptr) return nothing;
  if (path == "/drain") return {{}, {"server.drain", picked(*body, {"deadline", "undo"}), 202}};
  json params = picked(*body, {"undo"});
  params["worker"] = json::parse(path.substr(workers.size(), path.size() - workers.size() - drain.size()), nullptr, false);
  if (params["worker"].is_discarded()) return {error_response(400, "the path names a worker by its number"), {}};
  return {{}, {"workers.drain", std::move(params), 202}};
}

AdminApi::Meaning AdminApi::room_request(const HttpRequest& request, const std::string& rest) const {
  struct Action {
    std::string_view ending;
    const char* operation;
    std::initializer_list<const char*> members;
    int status;
  };
  static const std::array actions{Action{"/broadcast", "rooms.broadcast", {"payload", "exclude"}, 200},
                                  Action{"/mute-all", "rooms.muteAll", {}, 200},
                                  Action{"/migrate", "rooms.migrate", {"worker"}, 202}};
  // The id is all between "/rooms/" and an action at the end; ids may hold slashes themselves.
  std::string id = rest;
  const Action* action = nullptr;
  for (const Action& candidate : actions) {
    if (request.method != HttpMethod::post || !rest.ends_with(candidate.ending)) continue;
    action = &candidate;
    id = rest.substr(0, rest.size() - candidate.ending.size());
  }
  id = room_named(id);
  const json named{{"roomId", id}};
  // What is not there is not found, whatever was to be done with it.
  OperationResult room;
  operations().call("rooms.get", named, {"http", request.remote_ip},
                    OperationReply([&room](OperationResult result) { room = std::move(result); }));
  if (!room) return {error_response(room.error()), {}};
  if (reads(request)) return {json_response(200, *room), {}};
  if (request.method == HttpMethod::del) return {{}, {"rooms.delete", named}};
  const std::optional<json> body = body_object(request.body);
  if (!body) return {error_response(400, "Invalid JSON body"), {}};
  if (action == nullptr && request.method != HttpMethod::patch) return {error_response(404, "Not found"), {}};
  if (action != nullptr && operations().find(action->operation) == nullptr) return {error_response(404, "Not found"), {}};
  json params = action == nullptr ? picked(*body, {"metadata", "maxPeers"}) : picked(*body, action->members);
  params["roomId"] = id;
  return {{},
          action == nullptr ? Call{"rooms.update", std::move(params)}
                            : Call{action->operation, std::move(params), action->status}};
}

std::string AdminApi::room_named(const std::string& id) const {
  bool exists = false;
  operations().call("rooms.get", {{"roomId", id}}, {"http", ""},
                    OperationReply([&exists](const OperationResult& result) { exists = result.has_value(); }));
  // The HTTP library decodes escapes before it looks for line ends, "//" and "..", so it refuses or rewrites ids that hold
  // them. Escaped twice (%250A) they pass it untouched.
  return exists ? id : percent_decoded(id);
}

}  // namespace sluice
