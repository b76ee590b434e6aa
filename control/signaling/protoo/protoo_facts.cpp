// What clients of protoo are told when something happens in their room, whoever caused it.
#include <algorithm>
#include <array>
#include <memory>

#include "control/json/json_writer.hpp"
#include "control/signaling/protoo/protoo_dialect.hpp"

namespace sluice {
namespace {

constexpr std::uint16_t closed_by_server = 4000;
constexpr std::uint16_t going_away = 1001;

}  // namespace

void ProtooDialect::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto tell) { subscriptions_.push_back(bus.subscribe<Fact>(tell)); };
  on.template operator()<PeerJoined>([this](const PeerJoined& fact) {
    broadcast(fact.room, protoo::notification_text("newPeer", peer_json(fact.peer.id)), &fact.peer.id);
  });
  on.template operator()<PeerLeft>([this](const PeerLeft& fact) {
    const std::string data = JsonWriter().string("peerId", wire_id(fact.peer.id)).finish();
    broadcast(fact.room, protoo::notification_text("peerClosed", data), &fact.peer.id);
  });
  on.template operator()<PeerClosed>([this](const PeerClosed& fact) { members_.erase(fact.peer); });
  on.template operator()<PeerKicked>([this](const PeerKicked& fact) { tell_kicked(fact); });
  on.template operator()<PeerMetadataChanged>([this](const PeerMetadataChanged& fact) { tell_metadata(fact); });
  on.template operator()<DataRelayed>([this](const DataRelayed& fact) { tell_data(fact); });
  on.template operator()<RoomMessagePosted>([this](const RoomMessagePosted& fact) {
    const std::string text = posted_notification(fact.message);
    const Room* room = text.empty() ? nullptr : rooms_.find_room(fact.room);
    if (room == nullptr) return;
    for (const PeerId& member : room->members()) {
      const auto ours = members_.find(member);
      const bool excepted = std::find(fact.except.begin(), fact.except.end(), member) != fact.except.end();
      if (ours != members_.end() && !excepted) send(ours->second.connection, text);
    }
  });
  on.template operator()<PeerMessagePosted>([this](const PeerMessagePosted& fact) {
    const auto ours = members_.find(fact.peer);
    const std::string text = ours == members_.end() ? "" : posted_notification(fact.message);
    if (!text.empty()) send(ours->second.connection, text);
  });
}

/// Messages of server-side code have the native form: their `type` becomes the method.
std::string ProtooDialect::posted_notification(const std::string& message) {
  const auto view = JsonView::parse(message);
  const auto type = view ? view->pick(std::array<std::string_view, 1>{"type"})[0] : std::nullopt;
  const auto method = type ? type->as_string() : std::nullopt;
  return method ? protoo::notification_text(*method, view->raw()) : "";
}

void ProtooDialect::tell_kicked(const PeerKicked& fact) {
  const auto ours = members_.find(fact.peer);
  const Connection* connection = ours == members_.end() ? nullptr : find(ours->second.connection);
  if (connection == nullptr) return;
  const ConnectionId id = ours->second.connection;
  switch (fact.cause) {
    case LeaveCause::idle:
      return close(id, going_away, "Idle timeout", CoreKnows::yes);
    case LeaveCause::shed:
      return close(id, going_away, "Load shedding", CoreKnows::yes);
    case LeaveCause::room_destroyed:
      // Those who never joined are in the room as well.
      if (connection->room) return close_all_of(std::string(*connection->room));
      [[fallthrough]];
    default:
      return close(id, closed_by_server, "closed by protoo-server", CoreKnows::yes);
  }
}

void ProtooDialect::tell_metadata(const PeerMetadataChanged& fact) {
  const auto& entries = fact.patch.entries();
  const auto name =
      std::find_if(entries.begin(), entries.end(), [](const auto& entry) { return entry.first == "displayName"; });
  if (name == entries.end() || !fact.room) return;
  JsonWriter data;
  data.string("peerId", wire_id(fact.peer));
  const bool removed = name->second == "null";
  if (!removed) data.raw("displayName", name->second);
  const auto ours = members_.find(fact.peer);
  if (Connection* connection = ours == members_.end() ? nullptr : find(ours->second.connection)) {
    if (connection->display_name) data.raw("oldDisplayName", *connection->display_name);
    connection->display_name = removed ? std::nullopt : std::optional(name->second);
  }
  broadcast(*fact.room, protoo::notification_text("peerDisplayNameChanged", data.finish()), &fact.peer);
}

void ProtooDialect::tell_data(const DataRelayed& fact) {
  const auto target = fact.target ? members_.find(*fact.target) : members_.end();
  if (fact.target && target == members_.end()) return;
  const PeerId from(fact.from);
  if (fact.target) return send(target->second.connection, protoo::said_text("relayed", wire_id(from), fact.payload));
  broadcast(fact.room, protoo::said_text("message", wire_id(from), fact.payload), &from);
}

void ProtooDialect::broadcast(const RoomId& room, const std::string& text, const PeerId* except) {
  const Room* found = rooms_.find_room(room);
  if (found == nullptr) return;
  SharedText shared;
  for (const PeerId& member : found->members()) {
    const auto ours = members_.find(member);
    if (ours == members_.end() || (except != nullptr && member == *except)) continue;
    if (find(ours->second.connection) == nullptr) continue;  // closed, and about to leave
    if (!shared) shared = std::make_shared<const std::string>(text);
    sink_.send(ours->second.connection, shared);
  }
}

std::string_view ProtooDialect::wire_id(const PeerId& core) const {
  const auto ours = members_.find(core);
  return ours == members_.end() ? core.view() : std::string_view(ours->second.peer);
}

std::string ProtooDialect::peer_json(const PeerId& core) const {
  JsonWriter out;
  out.string("id", wire_id(core));
  const Peer* peer = rooms_.find_peer(core);
  if (peer == nullptr) return out.finish();
  for (const std::string_view key : {"displayName", "device"}) {
    for (const auto& [name, value] : peer->metadata().entries()) {
      if (name == key) out.raw(key, value);
    }
  }
  return out.finish();
}

}  // namespace sluice
