// Server, Room and Peer: thin faces of ServerState.
#include <utility>

#include "control/embedding/mirror.hpp"
#include "control/embedding/option_tree.hpp"
#include "control/embedding/server_state.hpp"
#include "sluice/server.hpp"

namespace sluice::rooms {

namespace detail {

std::string text_in(const Json& data, const char* name) {
  return optional_text_in(data, name).value_or("");
}

std::optional<std::string> optional_text_in(const Json& data, const char* name) {
  const auto found = data.is_object() ? data.find(name) : data.end();
  if (!data.is_object() || found == data.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

const Json& body_in(const Json& data) {
  static const Json nothing;
  for (const char* name : {"payload", "body", "patch"}) {
    if (data.is_object() && data.contains(name)) return data.at(name);
  }
  return nothing;
}

}  // namespace detail

using detail::PeerRecord;
using detail::RoomRecord;
using detail::ServerState;

// --- Peer -----------------------------------------------------------------------------------------------------------------

Peer::Peer(std::shared_ptr<ServerState> server, std::shared_ptr<PeerRecord> record)
    : server_(std::move(server)), record_(std::move(record)) {}

std::string Peer::id() const {
  return record_->id;  // never changes
}
std::string Peer::state() const {
  return server_->look(record_, [](const PeerRecord& peer) { return peer.state; });
}
Json Peer::metadata() const {
  return server_->look(record_, [](const PeerRecord& peer) { return peer.metadata; });
}
std::optional<std::string> Peer::roomId() const {
  return server_->look(record_, [](const PeerRecord& peer) { return peer.room_id; });
}
bool Peer::isActive() const {
  const std::string now = state();
  return now == CONNECTING || now == JOINED;
}
std::int64_t Peer::connectedAt() const {
  if (const auto known = server_->look(record_, [](const PeerRecord& peer) { return peer.connected_at; })) return *known;
  const Json details = server_->call("peers.get", {{"peerId", id()}});
  const std::int64_t at = details.value("connectedAt", std::int64_t{0});
  server_->look(record_, [at](PeerRecord& peer) { peer.connected_at = at; });
  return at;
}
std::optional<std::string> Peer::reconnectToken() const {
  return detail::optional_text_in(server_->call("peers.get", {{"peerId", id()}}), "reconnectToken");
}
Json Peer::setMetadata(const Json& patch) const {
  const Json answer = server_->call("peers.update", {{"peerId", id()}, {"metadata", patch}});
  return answer.at("peer").value("metadata", Json::object());
}
void Peer::send(const Json& message) const {
  (void)server_->call("peers.send", {{"peerId", id()}, {"message", message}});
}
void Peer::close(std::uint16_t code, const std::string& reason) const {
  (void)server_->call("peers.close", {{"peerId", id()}, {"code", code}, {"reason", reason}});
}
Json Peer::toJSON() const {
  return server_->look(record_, [](const PeerRecord& peer) { return embedding::snapshot_of(peer); });
}
Listener Peer::listen(const std::string& event, detail::Handler handler) const {
  return server_->add_peer_handler(id(), event, std::move(handler));
}

// --- Room -----------------------------------------------------------------------------------------------------------------

Room::Room(std::shared_ptr<ServerState> server, std::shared_ptr<RoomRecord> record)
    : server_(std::move(server)), record_(std::move(record)) {}

std::string Room::id() const {
  return record_->id;
}
Json Room::metadata() const {
  return server_->look(record_, [](const RoomRecord& room) { return room.metadata; });
}
std::size_t Room::maxPeers() const {
  return server_->look(record_, [](const RoomRecord& room) { return room.max_peers; });
}
std::int64_t Room::createdAt() const {
  return server_->look(record_, [](const RoomRecord& room) { return room.created_at; });
}
std::vector<Peer> Room::peers() const {
  return server_->members(*record_);
}
std::size_t Room::size() const {
  return server_->look(record_, [](const RoomRecord& room) { return room.members.size(); });
}
bool Room::isEmpty() const {
  return size() == 0;
}
void Room::broadcast(const Json& message, const BroadcastOptions& options) const {
  Json params{{"roomId", id()}, {"message", message}};
  if (!options.exclude.empty()) params["exclude"] = options.exclude;
  (void)server_->call("rooms.send", std::move(params));
}
void Room::setMetadata(const Json& patch) const {
  (void)server_->call("rooms.update", {{"roomId", id()}, {"metadata", patch}});
}
Json Room::getState() const {
  Json peers = Json::array();
  for (const Peer& peer : this->peers()) peers.push_back(peer.toJSON());
  return {{"id", id()}, {"metadata", metadata()}, {"peers", std::move(peers)}, {"createdAt", createdAt()}};
}
void Room::addPeer(const Peer& peer) const {
  (void)server_->call("rooms.addPeer", {{"roomId", id()}, {"peerId", peer.id()}});
}
void Room::removePeer(const std::string& peerId) const {
  (void)server_->call("rooms.removePeer", {{"roomId", id()}, {"peerId", peerId}});
}
Json Room::toJSON() const {
  return server_->look(record_, [](const RoomRecord& room) { return embedding::summary_of(room); });
}
Listener Room::listen(const std::string& event, detail::Handler handler) const {
  return server_->add_room_handler(id(), event, std::move(handler));
}

// --- Server ---------------------------------------------------------------------------------------------------------------

SignalingServer::SignalingServer(ServerOptions options) : state_(std::make_shared<ServerState>(std::move(options))) {}
SignalingServer::~SignalingServer() {
  if (state_) state_->let_go();
}
SignalingServer::SignalingServer(SignalingServer&&) noexcept = default;
SignalingServer& SignalingServer::operator=(SignalingServer&& other) noexcept {
  if (this == &other) return *this;
  if (state_) state_->let_go();
  state_ = std::move(other.state_);
  return *this;
}

void SignalingServer::listen() {
  state_->listen();
}
std::uint16_t SignalingServer::port() const {
  return state_->port();
}
std::string SignalingServer::controlSocket() const {
  return state_->control_socket();
}
Room SignalingServer::createRoom(const std::optional<std::string>& id, const RoomOptions& options) {
  Json params{{"metadata", options.metadata}};
  if (id) params["roomId"] = *id;
  if (options.maxPeers) params["maxPeers"] = *options.maxPeers;
  const Json answer = state_->call("rooms.create", std::move(params));
  return state_->take_room(answer.value("room", Json::object()));
}
std::optional<Room> SignalingServer::getRoom(const std::string& id) const {
  return state_->room(id);
}
std::optional<Peer> SignalingServer::getPeer(const std::string& id) const {
  return state_->peer(id);
}
std::vector<Room> SignalingServer::rooms() const {
  return state_->rooms();
}
std::vector<Peer> SignalingServer::peers() const {
  return state_->peers();
}
void SignalingServer::kick(const Peer& peer, const std::string& reason) {
  kick(peer.id(), reason);
}
void SignalingServer::kick(const std::string& peerId, const std::string& reason) {
  try {
    (void)state_->call("peers.kick", {{"peerId", peerId}, {"reason", reason}});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
  }
}
ServerStats SignalingServer::stats() const {
  const Json answer = state_->call("server.stats", Json::object());
  return {answer.value("rooms", std::size_t{0}), answer.value("peers", std::size_t{0}),
          answer.value("roomList", Json::array())};
}
void SignalingServer::close() {
  state_->close_server();
}
void SignalingServer::beforeJoin(BeforeJoin hook) {
  state_->set_hook("beforeJoin", hook ? embedding::hook_of(std::move(hook)) : nullptr);
}
void SignalingServer::answer(const std::string& hook, std::function<Json(const Json&)> handler) {
  state_->set_hook(hook, std::move(handler));
}
Listener SignalingServer::listen_to(const std::string& event, detail::Handler handler) {
  return state_->add_server_handler(event, std::move(handler));
}
Json SignalingServer::ask(const std::shared_ptr<ServerState>& state, const std::string& method, Json params) {
  return state->call(method, std::move(params));
}
Json SignalingServer::call(const std::string& method, const Json& params) const {
  return state_->call(method, params);
}

SignalingServer createServer(ServerOptions options) {
  SignalingServer server(std::move(options));
  server.listen();
  return server;
}

}  // namespace sluice::rooms
