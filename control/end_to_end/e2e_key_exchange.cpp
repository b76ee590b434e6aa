#include "control/end_to_end/e2e_key_exchange.hpp"

#include <algorithm>
#include <utility>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {
namespace {

constexpr std::string_view log_prefix = "e2e/";
constexpr std::size_t key_characters_max = 512;
constexpr std::string_view default_curve = "P-256";

std::string log_key(const PeerId& peer) {
  return std::string(log_prefix) + peer.value;
}

/// Base64 or base64url with optional padding at the end.
bool is_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '-' ||
           c == '_';
  });
}

std::string stored(const E2eKey& key) {
  JsonWriter out;
  out.string("publicKey", key.public_key).string("curve", key.curve).integer("announcedAt", key.announced_at);
  return out.integer("version", key.version).finish();
}

std::optional<E2eKey> parse_stored(std::string_view json) {
  const auto view = JsonView::parse(json);
  const auto object = view ? JsonObject::of(*view) : std::nullopt;
  if (!object) return std::nullopt;
  const auto number = [&](std::string_view name) {
    const auto value = object->find(name);
    return value ? value->as_integer() : std::nullopt;
  };
  const auto at = number("announcedAt");
  const auto version = number("version");
  const auto text = object->text("publicKey");
  if (!at || !version || !text || *version < 1 || *version > std::int64_t{0xFFFF'FFFF}) return std::nullopt;
  return E2eKey{*text, object->text("curve").value_or(""), *at, static_cast<std::uint32_t>(*version)};
}

}  // namespace

E2eKeyExchange::E2eKeyExchange(Rooms& rooms, Bus& bus, StateLog& log, E2eOptions options, Clocks clocks)
    : rooms_(rooms),
      bus_(bus),
      log_(log),
      options_(std::move(options)),
      clocks_(std::move(clocks)),
      deadlines_(log, "e2e-due/", {clocks_.now, clocks_.unix_ms}) {
  subscriptions_.push_back(bus.subscribe<PeerJoined>([this](const PeerJoined& fact) { joined(fact); }));
  subscriptions_.push_back(bus.subscribe<PeerLeft>([this](const PeerLeft& fact) { left(fact); }));
  subscriptions_.push_back(bus.subscribe<RoomsRestored>([this](const RoomsRestored&) { restored(); }));
}

void E2eKeyExchange::joined(const PeerJoined& fact) {
  if (options_.require_key_on_join) deadlines_.set(fact.peer.id, options_.announcement_timeout);
  JsonArrayWriter keys;
  bool any = false;
  for (const auto& [peer, key] : room_keys(fact.room)) {
    JsonWriter out;
    out.string("peerId", peer.value).string("publicKey", key.public_key).string("curve", key.curve);
    keys.raw(out.integer("announcedAt", key.announced_at).integer("version", key.version).finish());
    any = true;
  }
  if (!any) return;
  JsonWriter message("e2e:key:snapshot");
  (void)rooms_.post(fact.peer.id, message.string("roomId", fact.room.value).raw("keys", keys.finish()).finish());
}

void E2eKeyExchange::left(const PeerLeft& fact) {
  deadlines_.erase(fact.peer.id);
  const auto found = keys_.find(fact.peer.id);
  if (found == keys_.end()) return;
  const std::uint32_t version = found->second.version;
  keys_.erase(found);
  (void)log_.erase(log_key(fact.peer.id));
  JsonWriter message("e2e:key:revoked");
  (void)rooms_.post(fact.room, message.string("roomId", fact.room.value).string("peerId", fact.peer.id.value).finish());
  bus_.publish(E2eKeyChanged{E2eKeyChanged::What::revoked, fact.room, fact.peer.id, version});
}

void E2eKeyExchange::restored() {
  std::vector<std::string> gone;
  log_.for_each(log_prefix, [&](std::string_view key, Bytes value) {
    const PeerId id(std::string(key.substr(log_prefix.size())));
    const Peer* peer = rooms_.find_peer(id);
    auto read = parse_stored(as_text(value));
    if (read && peer != nullptr && peer->room()) {
      keys_.insert_or_assign(id, std::move(*read));
    } else {
      gone.emplace_back(key);
    }
  });
  for (const std::string& key : gone) (void)log_.erase(key);
  // Who announced has no deadline any more; who was not asked yet is asked now.
  deadlines_.restore(
      [this](const PeerId& id) {
        const Peer* found = rooms_.find_peer(id);
        return options_.require_key_on_join && found != nullptr && found->room() && !keys_.contains(id);
      },
      options_.announcement_timeout);
  if (!options_.require_key_on_join) return;
  for (const auto& [id, peer] : rooms_.peers()) {
    if (peer->room() && !keys_.contains(id) && !deadlines_.knows(id)) deadlines_.set(id, options_.announcement_timeout);
  }
}

// --- keys
// --------------------------------------------------------------------------------------------------------------------

bool E2eKeyExchange::valid(const std::string& public_key, const std::optional<std::string>& curve) const {
  const auto& allowed = options_.allowed_curves;
  return public_key.size() <= key_characters_max && is_base64(public_key) &&
         (!curve || std::find(allowed.begin(), allowed.end(), *curve) != allowed.end());
}

Result<void, E2eKeyExchange::Error> E2eKeyExchange::announce(const PeerId& peer, const std::string& public_key,
                                                             const std::optional<std::string>& curve) {
  if (!valid(public_key, curve)) return unexpected(Error::invalid_key);
  if (keys_.contains(peer)) return unexpected(Error::already_announced);
  const Peer* found = rooms_.find_peer(peer);
  if (found == nullptr || !found->room()) return {};
  set(*found, {public_key, curve.value_or(std::string(default_curve)), clocks_.unix_ms(clocks_.now()), 1},
      E2eKeyChanged::What::announced);
  return {};
}

Result<void, E2eKeyExchange::Error> E2eKeyExchange::rotate(const PeerId& peer, const std::string& public_key,
                                                           const std::optional<std::string>& curve) {
  if (!valid(public_key, curve)) return unexpected(Error::invalid_key);
  const auto known = keys_.find(peer);
  if (known == keys_.end()) return unexpected(Error::not_announced);
  const Peer* found = rooms_.find_peer(peer);
  if (found == nullptr || !found->room()) return {};
  set(*found, {public_key, curve.value_or(known->second.curve), clocks_.unix_ms(clocks_.now()), known->second.version + 1},
      E2eKeyChanged::What::rotated);
  return {};
}

void E2eKeyExchange::set(const Peer& peer, E2eKey key, E2eKeyChanged::What what) {
  const PeerId id = peer.id();
  const RoomId room = *peer.room();
  keys_.insert_or_assign(id, key);
  (void)log_.put(log_key(id), as_bytes(stored(key)));
  deadlines_.erase(id);  // after the key: a death in between leaves both, and the key wins
  const bool first = what == E2eKeyChanged::What::announced;
  JsonWriter confirmed("e2e:key:confirmed");
  (void)rooms_.post(id,
                    confirmed.string("action", first ? "announced" : "rotated").integer("version", key.version).finish());
  JsonWriter told(first ? "e2e:key:announced" : "e2e:key:rotated");
  told.string("roomId", room.value)
      .string("peerId", id.value)
      .string("publicKey", key.public_key)
      .string("curve", key.curve);
  (void)rooms_.post(room, told.integer("version", key.version).finish(), {id});
  bus_.publish(E2eKeyChanged{what, room, id, key.version});
}

const E2eKey* E2eKeyExchange::key_of(const PeerId& peer) const {
  const auto found = keys_.find(peer);
  return found == keys_.end() ? nullptr : &found->second;
}

std::vector<std::pair<PeerId, E2eKey>> E2eKeyExchange::room_keys(const RoomId& room) const {
  std::vector<std::pair<PeerId, E2eKey>> found;
  const Room* known = rooms_.find_room(room);
  if (known == nullptr) return found;
  for (const PeerId& member : known->members())
    if (const E2eKey* key = key_of(member)) found.emplace_back(member, *key);
  return found;
}

std::vector<E2eKeyExchange::RoomStats> E2eKeyExchange::stats() const {
  std::vector<RoomStats> stats;
  for (const auto& [id, room] : rooms_.rooms()) {
    const auto& members = room->members();
    const auto count =
        std::count_if(members.begin(), members.end(), [&](const PeerId& peer) { return keys_.contains(peer); });
    if (count > 0) stats.push_back({id, static_cast<std::size_t>(count)});
  }
  return stats;
}

void E2eKeyExchange::handle_timeout(TimePoint now) {
  for (const PeerId& peer : deadlines_.take_due(now)) {
    JsonWriter error("error");
    error.string("code", "E2E_KEY_REQUIRED").string("message", "This room needs an end-to-end key of each member");
    (void)rooms_.post(peer, error.finish());
    (void)rooms_.kick(peer, "E2E key not announced in time");
  }
}

}  // namespace sluice
