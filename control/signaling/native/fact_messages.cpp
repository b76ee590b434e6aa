// What clients are told when something happens in their room, whoever caused it.
#include <utility>

#include "control/signaling/native/native_dialect.hpp"
#include "control/signaling/native/server_messages.hpp"

namespace sluice {

void NativeDialect::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto tell) { subscriptions_.push_back(bus.subscribe<Fact>(tell)); };
  on.template operator()<PeerJoined>([this](const PeerJoined& fact) { tell_joined(fact); });
  on.template operator()<PeerLeft>([this](const PeerLeft& fact) {
    // An operator may have taken it out; its connection stays, for another join.
    if (const auto connection = outbox_.connection_of(fact.peer.id); connection && fact.cause == LeaveCause::left)
      find(*connection)->phase = Phase::outside;
    outbox_.broadcast(fact.room, JsonWriter("peer:left").string("peerId", fact.peer.id.value).finish(), fact.peer.id);
  });
  on.template operator()<PeerClosed>([this](const PeerClosed& fact) {
    // Only when an operator tried to put it into a room, and that was refused: everything else is answered before.
    const auto connection = outbox_.connection_of(fact.peer);
    const Connection* refused = connection ? find(*connection) : nullptr;
    if (refused != nullptr && refused->phase != Phase::deciding) close(*connection, 1008, "Join refused");
  });
  on.template operator()<PeerReconnected>([this](const PeerReconnected& fact) { tell_reconnected(fact); });
  on.template operator()<PeerMetadataChanged>([this](const PeerMetadataChanged& fact) { tell_metadata(fact); });
  on.template operator()<PeerKicked>([this](const PeerKicked& fact) { tell_kicked(fact); });
  on.template operator()<RoomMetadataChanged>([this](const RoomMetadataChanged& fact) {
    outbox_.broadcast(fact.room, JsonWriter("room:updated").raw("patch", native::metadata_json(fact.patch)).finish());
  });
  on.template operator()<DataRelayed>([this](const DataRelayed& fact) { tell_data(fact); });
  on.template operator()<RoomMessagePosted>(
      [this](const RoomMessagePosted& fact) { outbox_.broadcast(fact.room, fact.message, fact.except); });
  on.template operator()<PeerMessagePosted>(
      [this](const PeerMessagePosted& fact) { outbox_.send(fact.peer, fact.message); });
}

void NativeDialect::tell_joined(const PeerJoined& fact) {
  const Room* room = rooms_.find_room(fact.room);
  if (room == nullptr) return;
  if (const auto connection = outbox_.connection_of(fact.peer.id)) {
    // An operator may have put it in (Rooms::join by an operation), while the client had not asked yet.
    if (Connection* put_in = find(*connection); put_in != nullptr && put_in->phase != Phase::deciding)
      put_in->phase = Phase::joined;
    const auto ice_servers = ice_servers_ ? ice_servers_(fact.peer.id, now_) : std::nullopt;
    outbox_.send(fact.peer.id, native::room_joined(rooms_, *room, fact.peer.id, sessions_.token(fact.peer.id), ice_servers));
  }
  outbox_.broadcast(fact.room, JsonWriter("peer:joined").raw("peer", native::snapshot_json(fact.peer)).finish(),
                    fact.peer.id);
}

void NativeDialect::tell_reconnected(const PeerReconnected& fact) {
  const Room* room = rooms_.find_room(fact.room);
  if (room == nullptr) return;
  if (outbox_.connection_of(fact.peer.id)) {
    const std::int64_t last_seq = recorder_ == nullptr ? 0 : recorder_->last_seq(fact.room);
    outbox_.send(fact.peer.id, native::room_state(rooms_, *room, fact.peer.id, sessions_.token(fact.peer.id), last_seq));
    if (const auto last_seen = std::exchange(resumed_from_, std::nullopt)) {
      for (std::string& text : recorder_->envelope(fact.room, fact.peer.id, *last_seen)) {
        outbox_.send(fact.peer.id, std::move(text));
      }
    }
  }
  outbox_.broadcast(fact.room, JsonWriter("peer:reconnected").raw("peer", native::snapshot_json(fact.peer)).finish(),
                    fact.peer.id);
}

void NativeDialect::tell_metadata(const PeerMetadataChanged& fact) {
  if (!fact.room) return;
  JsonWriter updated("peer:updated");
  updated.string("peerId", fact.peer.value).raw("patch", native::metadata_json(fact.patch));
  outbox_.broadcast(*fact.room, updated.finish(), fact.peer);
  if (const Peer* peer = rooms_.find_peer(fact.peer)) {
    outbox_.send(fact.peer,
                 JsonWriter("metadata:updated").raw("metadata", native::metadata_json(peer->metadata())).finish());
  }
}

void NativeDialect::tell_kicked(const PeerKicked& fact) {
  const auto connection = outbox_.connection_of(fact.peer);
  if (!connection) return;  // held, or another dialect's
  constexpr std::uint16_t going_away = 1001;
  constexpr std::uint16_t policy_violation = 1008;
  if (fact.close_code) return close(*connection, *fact.close_code, fact.reason);
  switch (fact.cause) {
    case LeaveCause::idle:
      return close(*connection, going_away, "Idle timeout");
    case LeaveCause::shed:
      outbox_.send(fact.peer, native::kicked("Server load shedding. Please reconnect.", std::nullopt));
      return close(*connection, going_away, "Load shedding");
    default:
      outbox_.send(fact.peer, native::kicked(fact.reason, fact.by));
      return close(*connection, policy_violation, fact.reason);
  }
}

void NativeDialect::tell_data(const DataRelayed& fact) {
  if (fact.target) {
    const Peer* target = rooms_.find_peer(*fact.target);
    if (target == nullptr || target->dialect() != native_dialect_name) return;  // its own dialect tells it
    return outbox_.send(*fact.target, native::relayed("data", fact.from, "payload", fact.payload));
  }
  outbox_.broadcast(fact.room, native::relayed("data", fact.from, "payload", fact.payload), PeerId(fact.from));
}

}  // namespace sluice
