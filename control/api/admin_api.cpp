#include "control/api/admin_api.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "control/api/bearer.hpp"
#include "control/rooms/random_id.hpp"
#include "shm/types/entropy.hpp"

namespace sluice {

using loop::HttpMethod;
using loop::HttpRequest;
using loop::HttpResponse;
using nlohmann::json;

namespace {

HttpResponse answer(int status, const json& body) {
  return {status,
          "application/json",
          body.dump(-1, ' ', false, json::error_handler_t::replace),
          {{"cache-control", "no-store"}}};
}
HttpResponse failure(int status, const std::string& error) {
  return answer(status, {{"error", error}});
}

/// Raw JSON texts of metadata as JSON; they were validated when they came in.
json metadata_json(const Metadata& metadata) {
  json object = json::object();
  for (const auto& [key, raw] : metadata.entries()) object[key] = json::parse(raw, nullptr, false);
  return object;
}
Metadata metadata_of(const json& object) {
  Metadata metadata;
  for (const auto& [key, value] : object.items()) metadata.set(key, value.dump());
  return metadata;
}

json summary(const Room& room) {
  return {{"id", room.id().value},
          {"peerCount", room.members().size()},
          {"createdAt", room.created_at()},
          {"metadata", metadata_json(room.metadata())},
          {"maxPeers", room.capacity()}};
}
json snapshot(const Peer& peer) {
  const json room = peer.room() ? json(peer.room()->value) : json(nullptr);
  return {{"id", peer.id().value},
          {"roomId", room},
          {"state", to_string(peer.state())},
          {"metadata", metadata_json(peer.metadata())}};
}

std::string iso_time(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ", static_cast<int>(unix_ms % 1000));
  return text.data();
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
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

/// The value of one query parameter, percent-decoded.
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

/// The body as an object: empty = {}; nothing when it is not JSON. Depth is bounded by the parser's callback.
std::optional<json> body_of(const std::string& text) {
  if (text.empty()) return json::object();
  bool too_deep = false;
  const auto limit = [&](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > 64;
    return !too_deep;
  };
  json body = json::parse(text, limit, false);
  if (body.is_discarded() || too_deep || !body.is_object()) return std::nullopt;
  return body;
}
std::optional<json> body_of(const HttpRequest& request) {
  return body_of(request.body);
}

/// A worker's number; nothing when it is none.
std::optional<WorkerId> worker_of(const json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto number = value.get<std::int64_t>();
  if (number < 0 || number > 0xFFFF) return std::nullopt;
  return WorkerId{static_cast<std::uint16_t>(number)};
}

HttpResponse refusal(const Upkeep::Refusal& refusal) {
  using Kind = Upkeep::Refusal::Kind;
  const int status = refusal.kind == Kind::unknown ? 404 : refusal.kind == Kind::conflict ? 409 : 503;
  return failure(status, refusal.message);
}

/// A capacity given as `maxPeers`: nothing when absent; 0 when it is no number from 1 to 10000.
std::optional<std::size_t> capacity_of(const json& body) {
  const auto found = body.find("maxPeers");
  if (found == body.end()) return std::nullopt;
  if (!found->is_number_integer() || found->get<std::int64_t>() < 1 || found->get<std::int64_t>() > 10000) return 0;
  return found->get<std::size_t>();
}

/// Without a secret the API trusts whoever reaches loopback; a web page that the operator's browser shows does too. It
/// gives itself away by its Origin, or by a Host name of its own that resolves to loopback (DNS rebinding).
bool comes_from_a_web_page(const HttpRequest& request) {
  std::string_view name = request.host;
  if (name.starts_with("[")) {
    name = name.substr(0, std::min(name.find(']') + 1, name.size()));
  } else {
    name = name.substr(0, name.find(':'));
  }
  const bool is_loopback = name.empty() || name == "localhost" || name == "[::1]" || name.starts_with("127.");
  return !is_loopback || (!request.origin.empty() && request.origin != "http://" + request.host);
}

}  // namespace

AdminApi::AdminApi(Rooms& rooms, const RoomMetrics& metrics, std::vector<WorkerView> workers, Options options, Clocks clocks)
    : rooms_(rooms),
      metrics_(metrics),
      workers_(std::move(workers)),
      options_(std::move(options)),
      clocks_(std::move(clocks)),
      started_(clocks_.now()) {}

HttpResponse AdminApi::handle(const HttpRequest& request) {
  if (!bearer_allows(request.authorization, options_.secret)) return failure(401, "Unauthorized");
  if (options_.secret.empty() && comes_from_a_web_page(request)) {
    return failure(403, "Requests from web pages need a secret: set adminApi.adminSecret");
  }
  std::string path = request.path;
  if (!options_.prefix.empty() && path.starts_with(options_.prefix) &&
      (path.size() == options_.prefix.size() || path[options_.prefix.size()] == '/')) {
    path.erase(0, options_.prefix.size());
  }
  const bool is_get = request.method == HttpMethod::get || request.method == HttpMethod::head;
  if (path == "/health" && is_get) return health();
  if (path == "/stats" && is_get) return stats();
  if (path == "/metrics" && is_get) return metrics();
  if (path == "/recordings" && is_get) return failure(501, "Recording is not in this version");
  if (path == "/rooms") return rooms_collection(request);
  if (path.starts_with("/rooms/")) {
    // The id is all between "/rooms/" and an action at the end; ids may hold slashes themselves.
    const std::string id = path.substr(7);
    for (const std::string action : {"/broadcast", "/mute-all", "/migrate"}) {
      if (request.method == HttpMethod::post && id.ends_with(action)) {
        return one_room(request, room_named(id.substr(0, id.size() - action.size())), action.substr(1));
      }
    }
    return one_room(request, room_named(id), "");
  }
  if (upkeep_ != nullptr && path == "/drain") return drain(request);
  if (upkeep_ != nullptr && (path == "/workers" || path.starts_with("/workers/"))) return workers(request, path);
  if (path == "/peers") return peers(request, "");
  if (path.starts_with("/peers/")) return peers(request, path.substr(7));
  return failure(404, "Not found");
}

RoomId AdminApi::room_named(const std::string& id) const {
  RoomId plain(id);
  if (rooms_.find_room(plain) != nullptr) return plain;
  // The HTTP library decodes escapes before it looks for line ends, "//" and "..", so it refuses or rewrites ids that hold
  // them. Escaped twice (%250A) they pass it untouched.
  return RoomId(percent_decoded(id));
}

HttpResponse AdminApi::health() const {
  return answer(200, {{"status", "ok"},
                      {"uptime", std::chrono::duration<double>(clocks_.now() - started_).count()},
                      {"timestamp", iso_time(clocks_.unix_ms())}});
}

HttpResponse AdminApi::stats() const {
  json list = json::array();
  for (const auto& [id, room] : rooms_.rooms()) list.push_back(summary(*room));
  const std::uint64_t rss = resident_bytes();
  return answer(200,
                {{"rooms", rooms_.rooms().size()},
                 {"peers", rooms_.peers().size()},
                 {"roomList", list},
                 {"uptime", std::chrono::duration<double>(clocks_.now() - started_).count()},
                 {"memory", {{"rss", rss}, {"heapTotal", rss}, {"heapUsed", rss}, {"external", 0}, {"arrayBuffers", 0}}},
                 {"nodeVersion", "sluice " SLUICE_VERSION},
                 {"timestamp", iso_time(clocks_.unix_ms())}});
}

HttpResponse AdminApi::metrics() const {
  PrometheusText text;
  metrics_.write(text);
  write_worker_metrics(workers_, clocks_.now(), text);
  if (collect_) collect_(text);
  return {200, std::string(PrometheusText::content_type), text.text(), {{"cache-control", "no-store"}}};
}

HttpResponse AdminApi::rooms_collection(const HttpRequest& request) {
  if (request.method == HttpMethod::get || request.method == HttpMethod::head) {
    json list = json::array();
    for (const auto& [id, room] : rooms_.rooms()) list.push_back(summary(*room));
    return answer(200, {{"rooms", list}});
  }
  if (request.method != HttpMethod::post) return failure(404, "Not found");
  const std::optional<json> body = body_of(request);
  if (!body) return failure(400, "Invalid JSON body");
  const auto id = body->find("roomId");
  if (id != body->end() && !id->is_string()) return failure(400, "roomId must be a string");
  const std::optional<std::size_t> capacity = capacity_of(*body);
  if (capacity == 0U) return failure(400, "maxPeers must be a whole number from 1 to 10000");
  const auto metadata = body->find("metadata");
  if (metadata != body->end() && !metadata->is_object()) return failure(400, "metadata must be an object");
  SystemEntropy entropy;
  const RoomId wanted(id == body->end() ? random_uuid(entropy) : id->get<std::string>());
  if (const Room* existing = rooms_.find_room(wanted)) return answer(201, {{"room", summary(*existing)}});
  const auto created =
      rooms_.create(wanted, metadata == body->end() ? Metadata{} : metadata_of(*metadata), capacity, clocks_.now());
  if (!created)
    return failure(
        400, created.error() == RoomError::metadata_too_large ? "metadata is too large" : "roomId is blank or too long");
  return answer(201, {{"room", summary(**created)}});
}

HttpResponse AdminApi::one_room(const HttpRequest& request, const RoomId& id, const std::string& action) {
  const Room* room = rooms_.find_room(id);
  if (room == nullptr) return failure(404, "Room not found");
  if (request.method == HttpMethod::get || request.method == HttpMethod::head) {
    json members = json::array();
    for (const PeerId& peer : room->members()) members.push_back(snapshot(*rooms_.find_peer(peer)));
    return answer(200, {{"id", id.value},
                        {"metadata", metadata_json(room->metadata())},
                        {"peers", members},
                        {"createdAt", room->created_at()},
                        {"maxPeers", room->capacity()}});
  }
  if (request.method == HttpMethod::del) {
    (void)rooms_.destroy(id);
    return answer(200, {{"destroyed", id.value}});
  }
  const std::optional<json> body = body_of(request);
  if (!body) return failure(400, "Invalid JSON body");
  const std::size_t size = room->members().size();
  if (request.method == HttpMethod::post && action == "broadcast") {
    const auto payload = body->find("payload");
    if (payload == body->end()) return failure(400, "payload is missing");
    std::vector<PeerId> except;
    if (const auto exclude = body->find("exclude"); exclude != body->end()) {
      for (const json& peer : exclude->is_array() ? *exclude : json::array({*exclude})) {
        if (peer.is_string()) except.emplace_back(peer.get<std::string>());
      }
    }
    (void)rooms_.post(id, json{{"type", "data"}, {"from", "__admin__"}, {"payload", *payload}}.dump(), except);
    return answer(200, {{"sent", size}});
  }
  if (request.method == HttpMethod::post && action == "mute-all") {
    (void)rooms_.post(id, json{{"type", "admin:mute-all"}, {"roomId", id.value}}.dump());
    return answer(200, {{"muted", size}});
  }
  if (request.method == HttpMethod::post && action == "migrate" && upkeep_ != nullptr) return migrate(id, request.body);
  if (request.method != HttpMethod::patch) return failure(404, "Not found");
  const std::optional<std::size_t> capacity = capacity_of(*body);
  if (capacity == 0U) return failure(400, "maxPeers must be a whole number from 1 to 10000");
  if (const auto metadata = body->find("metadata"); metadata != body->end()) {
    if (!metadata->is_object()) return failure(400, "metadata must be an object");
    if (!rooms_.patch_room_metadata(id, metadata_of(*metadata))) return failure(400, "metadata is too large");
  }
  if (capacity) (void)rooms_.set_capacity(id, *capacity);
  return answer(200, {{"room", summary(*rooms_.find_room(id))}});
}

HttpResponse AdminApi::peers(const HttpRequest& request, const std::string& id) {
  if (id.empty()) {
    if (request.method != HttpMethod::get && request.method != HttpMethod::head) return failure(404, "Not found");
    json list = json::array();
    for (const auto& [peer_id, peer] : rooms_.peers()) list.push_back(snapshot(*peer));
    return answer(200, {{"peers", list}});
  }
  if (request.method != HttpMethod::del) return failure(404, "Not found");
  const std::optional<json> body = body_of(request);
  std::string reason = "Kicked by admin";
  if (body && body->contains("reason") && (*body)["reason"].is_string()) reason = (*body)["reason"].get<std::string>();
  if (const auto query = query_value(request.query, "reason"); query && !query->empty()) reason = *query;
  if (!rooms_.kick(PeerId(id), reason)) return failure(404, "Peer not found");
  return answer(200, {{"kicked", id}, {"reason", reason}});
}

HttpResponse AdminApi::migrate(const RoomId& room, const std::string& text) {
  const std::optional<json> body = body_of(text);
  const auto to = body ? worker_of(body->value("worker", json())) : std::nullopt;
  if (!to) return failure(400, "worker must be the number of a worker");
  if (const auto moved = upkeep_->migrate(room, *to); !moved) return refusal(moved.error());
  return answer(202, {{"room", room.value}, {"worker", to->value}});
}

HttpResponse AdminApi::workers(const HttpRequest& request, const std::string& path) {
  const bool is_get = request.method == HttpMethod::get || request.method == HttpMethod::head;
  if (path == "/workers" && is_get) {
    json list = json::array();
    for (const Upkeep::WorkerState& worker : upkeep_->workers()) {
      list.push_back({{"id", worker.id.value},
                      {"rooms", worker.rooms},
                      {"transports", worker.transports},
                      {"draining", worker.draining}});
    }
    return answer(200, {{"workers", list}});
  }
  constexpr std::string_view prefix = "/workers/";
  constexpr std::string_view action = "/drain";
  if (request.method != HttpMethod::post || path.size() < prefix.size() + action.size() || !path.ends_with(action)) {
    return failure(404, "Not found");
  }
  const std::string number = path.substr(prefix.size(), path.size() - prefix.size() - action.size());
  const auto worker = worker_of(json::parse(number, nullptr, false));
  const std::optional<json> body = body_of(request);
  if (!worker || !body) return failure(400, "the path names a worker by its number, and the body is JSON");
  const json undo = body->value("undo", json(false));
  if (!undo.is_boolean()) return failure(400, "undo must be true or false");
  if (const auto done = upkeep_->drain_worker(*worker, undo.get<bool>()); !done) return refusal(done.error());
  return answer(202, {{"worker", worker->value}, {"draining", !undo.get<bool>()}});
}

HttpResponse AdminApi::drain(const HttpRequest& request) {
  if (request.method == HttpMethod::post) {
    const std::optional<json> body = body_of(request);
    if (!body) return failure(400, "Invalid JSON body");
    const json undo = body->value("undo", json(false));
    if (!undo.is_boolean()) return failure(400, "undo must be true or false");
    std::optional<Duration> deadline;
    if (const auto given = body->find("deadline"); given != body->end()) {
      constexpr std::int64_t week = 7 * 24 * 3600;
      if (!given->is_number_integer() || given->get<std::int64_t>() < 0 || given->get<std::int64_t>() > week)
        return failure(400, "deadline is in seconds, at most a week");
      deadline = std::chrono::seconds(given->get<std::int64_t>());
    }
    upkeep_->drain_server(deadline, undo.get<bool>());
  } else if (request.method != HttpMethod::get && request.method != HttpMethod::head) {
    return failure(404, "Not found");
  }
  const Upkeep::DrainState state = upkeep_->draining();
  json body{{"draining", state.draining},
            {"ending", state.ending},
            {"rooms", rooms_.rooms().size()},
            {"peers", rooms_.peers().size()}};
  if (state.left) body["secondsLeft"] = std::chrono::duration<double>(*state.left).count();
  return answer(request.method == HttpMethod::post ? 202 : 200, body);
}

}  // namespace sluice
