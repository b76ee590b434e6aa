#include "control/signaling/socketio/socket_server.hpp"

#include <algorithm>
#include <utility>

#include "control/json/json_writer.hpp"
#include "control/signaling/socketio/placeholders.hpp"

namespace sluice::socketio {
namespace {

const Attachments no_attachments;

JsonView empty_object() {
  return *JsonView::parse("{}");
}

/// What the server tells of a lost connection's end decides whether it may come back (section 8).
bool may_recover(CloseReason reason) {
  return reason != CloseReason::parse_error;
}

}  // namespace

SocketServer::SocketServer(Chooser chooser, Entropy& entropy, SocketServerLimits limits)
    : chooser_(std::move(chooser)), entropy_(entropy), limits_(limits) {}

SocketServer::Socket* SocketServer::find(SocketKey socket) {
  const auto found = sockets_.find(socket);
  return found == sockets_.end() ? nullptr : found->second.get();
}

const std::string& SocketServer::id(SocketKey socket) const {
  static const std::string none;
  const auto found = sockets_.find(socket);
  return found == sockets_.end() ? none : found->second->id;
}

std::string_view SocketServer::ip(SocketKey socket) const {
  const auto found = sockets_.find(socket);
  if (found == sockets_.end()) return {};
  const auto client = clients_.find(found->second->session.value);
  return client == clients_.end() ? std::string_view{} : std::string_view(client->second.ip);
}

std::optional<SocketKey> SocketServer::find(const Endpoint& endpoint, const std::string& id) const {
  const auto found = endpoint.by_id.find(id);
  return found == endpoint.by_id.end() ? std::nullopt : std::optional(found->second);
}

SocketServer::Socket* SocketServer::joined(Client& client, std::string_view name_space) {
  const auto found = std::find_if(client.sockets.begin(), client.sockets.end(),
                                  [&](const Socket* s) { return s->name_space == name_space; });
  return found == client.sockets.end() ? nullptr : *found;
}

// --- sessions -------------------------------------------------------------------------------------------------------------

void SocketServer::on_open(SessionKey session, std::string_view ip, std::uint8_t entrance, TimePoint) {
  Client& client = clients_[session.value];
  client.ip = ip;
  client.entrance = entrance;
}

void SocketServer::on_close(SessionKey session, CloseReason reason, TimePoint now) {
  const auto found = clients_.find(session.value);
  if (found == clients_.end()) return;
  while (!found->second.sockets.empty())
    leave(*found->second.sockets.back(), DisconnectReason::connection_lost, may_recover(reason), now);
  clients_.erase(session.value);
}

void SocketServer::violated(SessionKey session, TimePoint now) {
  ++statistics_.violations;
  engine_->close(session, CloseReason::forced_close, now);
}

void SocketServer::on_message(SessionKey session, std::string_view data, bool binary, TimePoint now) {
  const auto found = clients_.find(session.value);
  if (found == clients_.end()) return;
  Client& client = found->second;
  if (binary) {
    if (client.partial == nullptr) return violated(session, now);
    client.partial->attachments.push_back(std::make_shared<const std::string>(data));
    if (client.partial->attachments.size() < client.partial->expected) return;
    const auto whole = std::exchange(client.partial, nullptr);
    const auto packet = read_socket_packet(whole->text, limits_.packet);
    if (packet) handle(session, *packet, whole->attachments, now);
    return;
  }
  if (client.partial != nullptr) return violated(session, now);
  const auto packet = read_socket_packet(data, limits_.packet);
  if (!packet) return violated(session, now);
  if (packet->attachments == 0) return handle(session, *packet, no_attachments, now);
  if (packet->payload && !find_placeholders(packet->payload->raw(), packet->attachments)) return violated(session, now);
  client.partial = std::make_unique<Partial>(Partial{std::string(data), packet->attachments, {}});
}

void SocketServer::handle(SessionKey session, const SocketPacket& packet, const Attachments& attachments, TimePoint now) {
  if (packet.type == SocketType::connect) return connect(session, packet, now);
  Socket* socket = joined(clients_.at(session.value), packet.name_space);
  if (socket == nullptr) return violated(session, now);
  switch (packet.type) {
    case SocketType::disconnect:
      return leave(*socket, DisconnectReason::left, false, now);
    case SocketType::event:
    case SocketType::binary_event:
      return event(*socket, packet, attachments, now);
    default:
      return;  // acknowledgements: none is ever asked for
  }
}

void SocketServer::event(Socket& socket, const SocketPacket& packet, const Attachments& attachments, TimePoint now) {
  ++statistics_.events_in;
  if (!packet.payload) return;
  const auto elements = packet.payload->as_array(limits_.packet.arguments_max);
  if (!elements || elements->empty() || elements->front().kind() != JsonKind::string) {
    ++statistics_.events_ignored;  // a number as a name
    return;
  }
  const std::string_view raw = elements->front().raw();
  std::string decoded;
  std::string_view name = raw.substr(1, raw.size() - 2);
  if (raw.find('\\') != std::string_view::npos) name = decoded = elements->front().as_string().value_or("");
  socket.endpoint->application->on_event(socket.key, Event{name, std::span(*elements).subspan(1), attachments, packet.id},
                                         now);
}

// --- namespaces -----------------------------------------------------------------------------------------------------------

void SocketServer::connect(SessionKey session, const SocketPacket& packet, TimePoint now) {
  Client& client = clients_.at(session.value);
  if (joined(client, packet.name_space) != nullptr || client.sockets.size() >= limits_.name_spaces_per_session_max)
    return violated(session, now);
  const std::string ip = client.ip;  // the session may end while its requests are answered
  const ConnectRequest request{packet.name_space, packet.payload.value_or(empty_object()), ip};
  Endpoint* endpoint = chooser_(packet.name_space, request.auth, client.entrance);
  const auto refuse = [&](std::string_view message) {
    ++statistics_.connects_refused;
    std::string text = packet_head(SocketType::connect_error, 0, packet.name_space, std::nullopt);
    text += JsonWriter().string("message", message).finish();
    engine_->send(session, std::make_shared<const std::string>(std::move(text)), false, now);
  };
  if (endpoint == nullptr) return refuse("Invalid namespace");
  if (const auto reason = endpoint->application->turn_away(request, now)) return refuse(*reason);
  if (recover(session, *endpoint, request, now)) return;
  const ConnectDecision decision = endpoint->application->connect(request, now);
  if (const auto* refused = std::get_if<ConnectRefused>(&decision)) return refuse(refused->message);
  if (std::holds_alternative<ConnectIgnored>(decision)) return;
  const Socket& socket = add_socket(session, *endpoint, packet.name_space, {++last_key_}, random_sid(entropy_));
  const SocketKey key = socket.key;
  greet(socket, now);
  endpoint->application->on_connect(key, request, now);
}

bool SocketServer::recover(SessionKey session, Endpoint& endpoint, const ConnectRequest& request, TimePoint now) {
  if (endpoint.recovery == nullptr) return false;
  const auto auth = JsonObject::of(request.auth);
  const auto pid = auth ? auth->text("pid") : std::nullopt;
  const auto offset = auth ? auth->text("offset") : std::nullopt;
  if (!pid || !offset) return false;
  auto lost = endpoint.recovery->take(*pid, *offset, now);
  if (!lost) return false;
  if (lost->name_space != request.name_space) return false;
  Socket& socket = add_socket(session, endpoint, request.name_space, lost->socket, lost->id);
  socket.pid = *pid;
  ++statistics_.recovered;
  for (const auto& room : lost->rooms) endpoint.rooms.join(socket.key, *room);
  greet(socket, now);
  // Looked up each time: a queue that overflows ends the session.
  for (const OutPacket& packet : endpoint.recovery->missed(*lost, *offset)) {
    if (const Socket* found = find(lost->socket)) send(*found, packet, now);
  }
  if (find(lost->socket) != nullptr) endpoint.application->on_recover(lost->socket, request, lost->data, now);
  return true;
}

SocketServer::Socket& SocketServer::add_socket(SessionKey session, Endpoint& endpoint, std::string_view name_space,
                                               SocketKey key, std::string id) {
  auto made = std::make_unique<Socket>();
  Socket& socket = *made;
  socket.key = key;
  socket.id = std::move(id);
  socket.name_space = name_space;
  socket.session = session;
  socket.endpoint = &endpoint;
  if (endpoint.recovery != nullptr) socket.pid = random_sid(entropy_);
  sockets_[key] = std::move(made);
  endpoint.by_id[socket.id] = key;
  clients_.at(session.value).sockets.push_back(&socket);
  engine_->established(session);
  ++statistics_.connects;
  return socket;
}

void SocketServer::greet(const Socket& socket, TimePoint now) {
  JsonWriter reply;
  reply.string("sid", socket.id);
  if (!socket.pid.empty()) reply.string("pid", socket.pid);
  std::string text = packet_head(SocketType::connect, 0, socket.name_space, std::nullopt) + reply.finish();
  engine_->send(socket.session, std::make_shared<const std::string>(std::move(text)), false, now);
}

void SocketServer::leave(Socket& socket, DisconnectReason reason, bool recoverable, TimePoint now) {
  Endpoint& endpoint = *socket.endpoint;
  const SocketKey key = socket.key;
  Client& client = clients_.at(socket.session.value);
  std::erase(client.sockets, &socket);
  endpoint.by_id.erase(socket.id);
  if (recoverable && endpoint.recovery != nullptr) {
    endpoint.recovery->lose(
        socket.pid, {key, socket.id, socket.name_space, endpoint.rooms.rooms_of(key), endpoint.application->save(key)}, now);
  }
  endpoint.application->on_disconnecting(key, reason, now);
  endpoint.rooms.leave_all(key);
  sockets_.erase(key);
}

// --- what applications send -----------------------------------------------------------------------------------------------

void SocketServer::send(const Socket& socket, const OutPacket& packet, TimePoint now) {
  const SessionKey session = socket.session;
  engine_->send(session, packet.text, false, now);
  for (const SharedText& attachment : packet.attachments) engine_->send(session, attachment, true, now);
}

void SocketServer::emit(SocketKey key, const EventText& event, TimePoint now) {
  const Socket* socket = find(key);
  if (socket == nullptr) return;
  RecoveryStore* recovery = socket->endpoint->recovery.get();
  if (recovery == nullptr) return send(*socket, event.event(socket->name_space), now);
  OutPacket packet = event.event(socket->name_space, recovery->next_offset());
  recovery->keep(packet, {key}, now);
  send(*socket, packet, now);
}

bool SocketServer::emit_to_id(Endpoint& endpoint, const std::string& id, const EventText& event, TimePoint now) {
  if (const auto live = find(endpoint, id)) {
    emit(*live, event, now);
    return true;
  }
  const auto lost = endpoint.recovery != nullptr ? endpoint.recovery->lost_socket(id, now) : std::nullopt;
  if (!lost) return false;
  endpoint.recovery->keep(event.event("/", endpoint.recovery->next_offset()), {*lost}, now);
  return true;
}

void SocketServer::broadcast(Endpoint& endpoint, std::string_view name, const EventText& event, SocketKey except,
                             TimePoint now) {
  const SocketRooms::Room* room = endpoint.rooms.find(name);
  if (room == nullptr) {
    // Nobody is here, but somebody who was may come back: as the reference, the event is kept for the room's name.
    if (endpoint.recovery != nullptr && endpoint.recovery->lost_count() > 0)
      endpoint.recovery->keep(event.event("/", endpoint.recovery->next_offset()),
                              {{}, std::make_shared<const std::string>(name), except}, now);
    return;
  }
  OutPacket packet;
  if (endpoint.recovery != nullptr) {
    packet = event.event("/", endpoint.recovery->next_offset());
    endpoint.recovery->keep(packet, {{}, room->name, except}, now);
  } else {
    packet = event.event("/");
  }
  // A copy: a member whose queue overflows leaves at once.
  for (const SocketKey member : std::vector<SocketKey>(room->members)) {
    if (member == except) continue;
    if (const Socket* socket = find(member)) send(*socket, packet, now);
  }
}

void SocketServer::acknowledge(SocketKey key, std::uint64_t id, const EventText& arguments, TimePoint now) {
  if (const Socket* socket = find(key)) send(*socket, arguments.acknowledge(socket->name_space, id), now);
}

void SocketServer::disconnect(SocketKey key, TimePoint now) {
  Socket* socket = find(key);
  if (socket == nullptr) return;
  engine_->send(
      socket->session,
      std::make_shared<const std::string>(packet_head(SocketType::disconnect, 0, socket->name_space, std::nullopt)), false,
      now);
  if ((socket = find(key)) != nullptr) leave(*socket, DisconnectReason::server_disconnect, false, now);
}

void SocketServer::close_connection(SocketKey key, TimePoint now) {
  if (const Socket* socket = find(key)) engine_->close(socket->session, CloseReason::forced_close, now);
}

}  // namespace sluice::socketio
