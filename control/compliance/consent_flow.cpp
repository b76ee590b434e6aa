#include "control/compliance/consent_flow.hpp"

#include <algorithm>
#include <utility>

#include "control/json/json_writer.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {
namespace {

constexpr std::string_view log_prefix = "consent/";

std::string key_of(const PeerId& peer) {
  return std::string(log_prefix) + peer.value;
}

}  // namespace

ConsentFlow::ConsentFlow(Rooms& rooms, Bus& bus, StateLog& log, ConsentFlowOptions options, Clocks clocks)
    : rooms_(rooms),
      bus_(bus),
      log_(log),
      options_(std::move(options)),
      clocks_(std::move(clocks)),
      deadlines_(log, "consent-due/", {clocks_.now, clocks_.unix_ms}) {
  subscriptions_.push_back(bus.subscribe<PeerJoined>([this](const PeerJoined& fact) { joined(fact); }));
  subscriptions_.push_back(bus.subscribe<PeerLeft>([this](const PeerLeft& fact) { left(fact); }));
  subscriptions_.push_back(bus.subscribe<RoomsRestored>([this](const RoomsRestored&) { restored(); }));
}

// --- members come and go
// -----------------------------------------------------------------------------------------------------

void ConsentFlow::joined(const PeerJoined& fact) {
  if (options_.required.empty()) return;
  enforce(fact.room, fact.peer.id);
  ask(fact.room, fact.peer.id);
}

void ConsentFlow::ask_members() {
  if (options_.required.empty()) return;
  std::vector<Key> members;
  for (const auto& [id, peer] : rooms_.peers())
    if (peer->room() && !satisfied(*peer->room(), id)) members.emplace_back(*peer->room(), id);
  for (const auto& [room, peer] : members) ask(room, peer);
}

void ConsentFlow::ask(const RoomId& room, const PeerId& peer) {
  await_answer(room, peer);
  JsonWriter message("consent:required");
  message.raw("types", types_json(options_.required)).string("version", options_.version);
  message.integer("timeoutMs", options_.timeout.count());
  (void)rooms_.post(peer, message.finish());
  bus_.publish(ConsentRequired{peer, room, options_.required});
}

void ConsentFlow::await_answer(const RoomId& room, const PeerId& peer) {
  if (options_.timeout.count() == 0) return;
  deadlines_.set(peer, options_.timeout);
  if (satisfied(room, peer)) deadlines_.meet(peer);
}

void ConsentFlow::left(const PeerLeft& fact) {
  deadlines_.erase(fact.peer.id);
  forget({fact.room, fact.peer.id});
}

void ConsentFlow::restored() {
  std::vector<std::string> gone;
  log_.for_each(log_prefix, [&](std::string_view key, Bytes value) {
    auto record = parse_consent_record(as_text(value));
    const Peer* peer = record ? rooms_.find_peer(record->peer) : nullptr;
    if (peer == nullptr || peer->room() != record->room) {
      gone.emplace_back(key);
    } else {
      records_.insert_or_assign(Key{record->room, record->peer}, std::move(*record));
    }
  });
  for (const std::string& key : gone) log_.erase(key);
  deadlines_.restore(
      [this](const PeerId& peer) {
        const Peer* found = rooms_.find_peer(peer);
        return options_.timeout.count() > 0 && !options_.required.empty() && found != nullptr && found->room().has_value();
      },
      options_.timeout);
  if (options_.required.empty()) return;
  std::vector<Key> members;
  for (const auto& [id, peer] : rooms_.peers())
    if (peer->room()) members.emplace_back(*peer->room(), id);
  for (const auto& [room, peer] : members) {
    enforce(room, peer);
    // Asked in time by the predecessor: its deadline holds, or was met (who withdrew later has none, as before the restart).
    if (satisfied(room, peer)) deadlines_.meet(peer);
    if (!deadlines_.knows(peer)) await_answer(room, peer);
  }
}

void ConsentFlow::handle_timeout(TimePoint now) {
  for (const PeerId& peer : deadlines_.take_due(now)) {
    JsonWriter error("error");
    error.string("code", "CONSENT_TIMEOUT").string("message", "Consent was not given in time");
    (void)rooms_.post(peer, error.finish());
    (void)rooms_.kick(peer, "Consent timeout");
  }
}

// --- granting and withdrawing
// ----------------------------------------------------------------------------------------------------

void ConsentFlow::grant(const PeerId& peer, ConsentTypes types) {
  const Peer* found = rooms_.find_peer(peer);
  if (found == nullptr || !found->room()) return;
  add(RoomId(*found->room()), PeerId(peer), types, found->ip());
}

void ConsentFlow::withdraw(const PeerId& peer, ConsentTypes types) {
  const Peer* found = rooms_.find_peer(peer);
  if (found == nullptr || !found->room()) return;
  remove(RoomId(*found->room()), PeerId(peer), types);
}

void ConsentFlow::record(const RoomId& room, const PeerId& peer, ConsentTypes types) {
  add(room, peer, types, "server-granted");
}

void ConsentFlow::revoke(const RoomId& room, const PeerId& peer) {
  if (const ConsentRecord* found = find(room, peer)) remove(room, peer, found->types);
}

void ConsentFlow::add(const RoomId& room, const PeerId& peer, ConsentTypes types, std::string ip) {
  if (types.empty()) return;  // nothing was said
  ConsentTypes complete_before;
  if (options_.all_party) {
    for (const ConsentType type : all_consent_types)
      if (room_has_consent(room, type)) complete_before.add(type);
  }
  ConsentRecord& record = records_[{room, peer}];
  record.peer = peer;
  record.room = room;
  record.types.add(types);
  record.version = options_.version;
  record.granted_at = clocks_.unix_ms(clocks_.now());
  record.ip = std::move(ip);
  const ConsentRecord copy = record;
  store({room, peer});
  bound_absent();
  enforce(room, peer);
  if (satisfied(room, peer)) deadlines_.meet(peer);
  bus_.publish(ConsentGranted{copy});
  if (!options_.all_party) return;
  for (const ConsentType type : all_consent_types) {
    if (types.has(type) && !complete_before.has(type) && room_has_consent(room, type)) {
      bus_.publish(RoomConsentCompleted{room, type});
    }
  }
}

void ConsentFlow::remove(const RoomId& room, const PeerId& peer, ConsentTypes types) {
  ConsentTypes remaining;
  const Key key{room, peer};
  if (const auto found = records_.find(key); found != records_.end()) {
    found->second.types.remove(types);
    remaining = found->second.types;
    if (remaining.empty()) {
      forget(key);
    } else {
      store(key);
    }
  }
  enforce(room, peer);
  bus_.publish(ConsentWithdrawn{peer, room, types, remaining});
}

void ConsentFlow::enforce(const RoomId& room, const PeerId& peer) {
  const Peer* found = rooms_.find_peer(peer);
  if (found == nullptr || found->room() != room) return;
  (void)rooms_.restrict_media(peer, Restriction::consent, MediaDirection::send, !satisfied(room, peer));
}

bool ConsentFlow::satisfied(const RoomId& room, const PeerId& peer) const {
  const ConsentRecord* found = find(room, peer);
  return (found != nullptr ? found->types : ConsentTypes{}).has_all(options_.required);
}

// --- records
// -------------------------------------------------------------------------------------------------------------------

void ConsentFlow::forget(const Key& key) {
  if (records_.erase(key) != 0) (void)log_.erase(key_of(key.second));
}

void ConsentFlow::store(const Key& key) {
  const Peer* found = rooms_.find_peer(key.second);
  if (found == nullptr || found->room() != key.first) return;  // of somebody who is not here: kept while this process lives
  (void)log_.put(key_of(key.second), as_bytes(record_json(records_.at(key))));
}

void ConsentFlow::bound_absent() {
  if (records_.size() <= options_.absent_records_max) return;
  // Members' records are bounded by members; only those of the absent can pile up.
  std::vector<std::pair<std::int64_t, Key>> absent;
  for (const auto& [key, record] : records_) {
    const Peer* found = rooms_.find_peer(key.second);
    if (found == nullptr || found->room() != key.first) absent.emplace_back(record.granted_at, key);
  }
  if (absent.size() <= options_.absent_records_max) return;
  forget(std::min_element(absent.begin(), absent.end())->second);
}

const ConsentRecord* ConsentFlow::find(const RoomId& room, const PeerId& peer) const {
  const auto found = records_.find({room, peer});
  return found == records_.end() ? nullptr : &found->second;
}

bool ConsentFlow::has_consented(const RoomId& room, const PeerId& peer, ConsentType type) const {
  const ConsentRecord* found = find(room, peer);
  return found != nullptr && found->types.has(type);
}

bool ConsentFlow::room_has_consent(const RoomId& room, ConsentType type) const {
  const Room* found = rooms_.find_room(room);
  if (found == nullptr || found->members().empty()) return false;
  return std::all_of(found->members().begin(), found->members().end(),
                     [&](const PeerId& peer) { return has_consented(room, peer, type); });
}

std::vector<const ConsentRecord*> ConsentFlow::in_room(const RoomId& room) const {
  std::vector<const ConsentRecord*> found;
  for (auto entry = records_.lower_bound({room, PeerId()}); entry != records_.end() && entry->first.first == room; ++entry)
    found.push_back(&entry->second);
  return found;
}

std::vector<const ConsentRecord*> ConsentFlow::all() const {
  std::vector<const ConsentRecord*> found;
  for (const auto& [key, record] : records_) found.push_back(&record);
  return found;
}

std::vector<ConsentFlow::RoomStats> ConsentFlow::stats() const {
  std::vector<RoomStats> stats;
  for (const auto& [id, room] : rooms_.rooms()) {
    if (room->members().empty()) continue;
    RoomStats line{id, room->members().size(), 0};
    for (const PeerId& peer : room->members()) {
      const ConsentRecord* found = find(id, peer);
      if (found != nullptr && !found->types.empty() && found->types.has_all(options_.required)) ++line.consented;
    }
    stats.push_back(line);
  }
  return stats;
}

}  // namespace sluice
