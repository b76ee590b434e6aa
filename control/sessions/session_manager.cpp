#include "control/sessions/session_manager.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "control/sessions/control_state.hpp"
#include "control/sessions/session_token.hpp"

namespace sluice {
namespace {

constexpr std::string_view sessions_table = "sessions";
constexpr std::string_view rooms_table = "session_rooms";
/// When the server was last known to live, and the secret of its own.
constexpr std::string_view marks_table = "session_marks";
constexpr std::string_view alive_mark = "alive";
constexpr std::string_view secret_mark = "secret";

std::string own_secret(Store& store, Entropy& entropy) {
  std::string secret;
  store.load(marks_table, [&](std::string_view key, std::string_view value) {
    if (key == secret_mark) secret = value;
  });
  if (!secret.empty()) return secret;
  std::array<std::byte, 32> bytes{};
  entropy.fill(bytes);
  constexpr std::string_view digits = "0123456789abcdef";
  for (const std::byte b : bytes) {
    secret += digits[std::to_integer<unsigned>(b) >> 4U];
    secret += digits[std::to_integer<unsigned>(b) & 15U];
  }
  store.put(marks_table, secret_mark, secret);
  return secret;
}

}  // namespace

SessionManager::SessionManager(Rooms& rooms, Sessions& sessions, Bus& bus, Store& store, Entropy& entropy,
                               SessionManagerOptions options, UnixClock unix_ms)
    : rooms_(rooms),
      sessions_(sessions),
      bus_(bus),
      store_(store),
      options_(std::move(options)),
      unix_ms_(std::move(unix_ms)) {
  if (options_.secret.empty()) options_.secret = own_secret(store, entropy);
  follow(bus);
}

void SessionManager::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto act) { subscriptions_.push_back(bus.subscribe<Fact>(act)); };
  on.template operator()<PeerJoined>([this](const PeerJoined& fact) { joined(fact.peer.id); });
  on.template operator()<PeerSuspended>([this](const PeerSuspended& fact) {
    const auto found = records_.find(fact.peer);
    if (found == records_.end()) return;
    found->second.state = SessionState::suspended;
    found->second.suspended_at = unix_ms_();
    write(fact.peer, found->second);
    tell(fact.peer, found->second);
  });
  on.template operator()<PeerReconnected>([this](const PeerReconnected& fact) { resumed(fact.peer.id); });
  on.template operator()<PeerLeft>([this](const PeerLeft& fact) { ended(fact.peer, fact.room); });
  on.template operator()<PeerMetadataChanged>([this](const PeerMetadataChanged& fact) {
    if (const auto found = records_.find(fact.peer); found != records_.end()) write(fact.peer, found->second);
  });
  on.template operator()<RoomCreated>([this](const RoomCreated& fact) { write_room(fact.room); });
  on.template operator()<RoomMetadataChanged>([this](const RoomMetadataChanged& fact) { write_room(fact.room); });
  on.template operator()<RoomCapacityChanged>([this](const RoomCapacityChanged& fact) { write_room(fact.room); });
  on.template operator()<RoomDestroyed>([this](const RoomDestroyed& fact) { store_.erase(rooms_table, fact.room.value); });
  on.template operator()<RoomsRestored>([this](const RoomsRestored&) { restored(); });
}

std::size_t SessionManager::revive(Store& store, StateLog& log, std::int64_t unix_ms) {
  std::int64_t alive_at = 0;
  store.load(marks_table, [&](std::string_view key, std::string_view value) {
    if (key == alive_mark) (void)std::from_chars(value.data(), value.data() + value.size(), alive_at);
  });
  std::vector<RoomRecord> rooms;
  store.load(rooms_table, [&](std::string_view, std::string_view value) {
    if (auto room = decode_room(as_bytes(value))) rooms.push_back(std::move(*room));
  });
  std::vector<SessionRow> sessions;
  store.load(sessions_table, [&](std::string_view, std::string_view value) {
    auto row = decode_session(as_bytes(value));
    if (!row) return;
    const std::int64_t suspended_at = row->suspended_at != 0 ? row->suspended_at : alive_at;
    if (unix_ms <= suspended_at + row->ttl) sessions.push_back(std::move(*row));
  });
  return adopt_sessions(log, rooms, sessions);
}

// --- facts
// ------------------------------------------------------------------------------------------------------------------------

void SessionManager::joined(const PeerId& peer) {
  if (rooms_.find_peer(peer) == nullptr) return;  // put out by who heard of it first
  Record& record = records_[peer];
  record.created_at = unix_ms_();
  record.region = options_.region;
  tell(peer, record);
  record.state = SessionState::active;
  issue(peer, record);
}

void SessionManager::take_in_members() {
  for (auto& [id, record] : records_) {
    const Peer* peer = rooms_.find_peer(id);
    if (peer == nullptr || peer->state() != PeerState::joined) continue;
    record.state = SessionState::active;
    record.suspended_at = 0;
    issue(id, record);
  }
}

void SessionManager::resumed(const PeerId& peer) {
  const auto found = records_.find(peer);
  if (found == records_.end()) return;
  found->second.state = SessionState::resumed;
  found->second.suspended_at = 0;
  issue(peer, found->second);
  tell(peer, found->second);
}

void SessionManager::issue(const PeerId& peer, Record& record) {
  // Another token each time, whatever the clock says.
  record.issued_at = std::max(unix_ms_(), record.issued_at + 1);
  record.token = make_session_token(options_.secret, {peer, record.issued_at});
  sessions_.accept_also(peer, record.token);
  write(peer, record);
  (void)rooms_.post(peer, R"({"type":"session:token","token":")" + record.token + R"(","ttl":)" +
                              std::to_string(options_.ttl.count()) + "}");
}

void SessionManager::ended(const PeerSnapshot& peer, const RoomId& room) {
  const auto found = records_.find(peer.id);
  if (found == records_.end()) return;
  SessionInfo last = info(peer.id, found->second);
  last.state = SessionState::expired;
  last.room = room;
  last.metadata = peer.metadata;
  records_.erase(found);
  store_.erase(sessions_table, peer.id.value);
  bus_.publish(SessionChanged{std::move(last), std::nullopt});
}

void SessionManager::restored() {
  std::vector<std::string> gone;
  std::unordered_map<std::string, SessionRow> rows;
  store_.load(sessions_table, [&](std::string_view key, std::string_view value) {
    auto row = decode_session(as_bytes(value));
    if (row && rooms_.find_peer(PeerId(std::string(key))) != nullptr) {
      rows.emplace(key, std::move(*row));
    } else {
      gone.emplace_back(key);
    }
  });
  for (const std::string& key : gone) store_.erase(sessions_table, key);
  gone.clear();
  store_.load(rooms_table, [&](std::string_view key, std::string_view) {
    if (rooms_.find_room(RoomId(std::string(key))) == nullptr) gone.emplace_back(key);
  });
  for (const std::string& key : gone) store_.erase(rooms_table, key);
  for (const auto& [id, room] : rooms_.rooms()) write_room(id);
  for (const auto& [id, peer] : rooms_.peers()) {
    if (!peer->room()) continue;
    Record& record = records_[id];
    const auto row = rows.find(id.value);
    record.state = SessionState::suspended;
    record.created_at = row == rows.end() ? unix_ms_() : row->second.created_at;
    record.region = row == rows.end() ? options_.region : row->second.region;
    record.suspended_at = unix_ms_();
    const auto tokens = sessions_.tokens().find(id);
    if (tokens != sessions_.tokens().end()) record.token = tokens->second.session;
    if (const auto token = verify_session_token(options_.secret, record.token)) record.issued_at = token->issued_at;
    write(id, record);
  }
}

// --- the store
// --------------------------------------------------------------------------------------------------------------------

void SessionManager::write(const PeerId& peer, const Record& record) {
  const Peer* found = rooms_.find_peer(peer);
  const auto tokens = sessions_.tokens().find(peer);
  if (found == nullptr || !found->room() || tokens == sessions_.tokens().end()) return;
  SessionRow row;
  row.member = {peer, *found->room(), found->metadata(), found->dialect(), found->ip(), found->join_number()};
  row.tokens = {tokens->second.reconnect, tokens->second.session, {}};
  row.created_at = record.created_at;
  row.suspended_at = record.suspended_at;
  row.ttl = std::chrono::duration_cast<std::chrono::milliseconds>(sessions_.hold_time()).count();
  row.region = record.region;
  store_.put(sessions_table, peer.value, encode(row));
}

void SessionManager::write_room(const RoomId& room) {
  const Room* found = rooms_.find_room(room);
  if (found == nullptr) return;
  store_.put(rooms_table, room.value,
             encode(RoomRecord{room, found->metadata(), found->capacity(), found->created_at(), true}));
}

void SessionManager::handle_timeout(TimePoint now) {
  if (now < next_mark_) return;
  next_mark_ = now + options_.cleanup_interval;
  if (!records_.empty()) store_.put(marks_table, alive_mark, std::to_string(unix_ms_()));
}

void SessionManager::close() {
  for (auto& [peer, record] : records_) {
    if (record.suspended_at == 0) record.suspended_at = unix_ms_();
    write(peer, record);
  }
  store_.put(marks_table, alive_mark, std::to_string(unix_ms_()));
}

// --- looking
// ----------------------------------------------------------------------------------------------------------------------

SessionInfo SessionManager::info(const PeerId& peer, const Record& record) const {
  SessionInfo result;
  result.id = peer;
  if (const Peer* found = rooms_.find_peer(peer)) {
    if (found->room()) result.room = *found->room();
    result.metadata = found->metadata();
  }
  result.state = record.state;
  result.created_at = record.created_at;
  result.suspended_at = record.suspended_at;
  result.ttl = options_.ttl.count();
  result.queued = sessions_.queued(peer);
  result.region = record.region;
  return result;
}

void SessionManager::tell(const PeerId& peer, const Record& record) {
  bus_.publish(SessionChanged{info(peer, record), std::nullopt});
}

std::optional<PeerId> SessionManager::resumable(std::string_view token, const std::optional<RoomId>& room) const {
  const auto said = verify_session_token(options_.secret, token);
  if (!said) return std::nullopt;
  const auto found = records_.find(said->peer);
  const Peer* peer = rooms_.find_peer(said->peer);
  if (found == records_.end() || peer == nullptr || found->second.state != SessionState::suspended) return std::nullopt;
  if (sessions_.holder(token) != said->peer || (room && peer->room() != room)) return std::nullopt;
  return said->peer;
}

std::optional<SessionInfo> SessionManager::session(const PeerId& peer) const {
  const auto found = records_.find(peer);
  if (found == records_.end()) return std::nullopt;
  return info(peer, found->second);
}

std::vector<SessionInfo> SessionManager::sessions() const {
  std::vector<SessionInfo> result;
  for (const auto& [peer, record] : records_) result.push_back(info(peer, record));
  std::sort(result.begin(), result.end(), [](const SessionInfo& a, const SessionInfo& b) {
    return std::pair(a.created_at, a.id.value) < std::pair(b.created_at, b.id.value);
  });
  return result;
}

bool SessionManager::expire(const PeerId& peer) {
  const auto found = records_.find(peer);
  if (found == records_.end()) return false;
  const Peer* member = rooms_.find_peer(peer);
  const bool held = member != nullptr && member->state() == PeerState::reconnecting;
  if (held) return sessions_.expire(peer);  // PeerLeft does the rest
  SessionInfo last = info(peer, found->second);
  last.state = SessionState::expired;
  records_.erase(found);
  store_.erase(sessions_table, peer.value);
  (void)sessions_.expire(peer);
  bus_.publish(SessionChanged{std::move(last), std::nullopt});
  return true;
}

bool SessionManager::migrate(const PeerId& peer, const std::string& region) {
  const auto found = records_.find(peer);
  if (found == records_.end()) return false;
  found->second.state = SessionState::migrated;
  found->second.region = region;
  write(peer, found->second);
  bus_.publish(SessionChanged{info(peer, found->second), region});
  return true;
}

SessionManager::Counts SessionManager::counts() const {
  Counts result;
  for (const auto& [peer, record] : records_) {
    if (record.state == SessionState::active || record.state == SessionState::resumed) ++result.active;
    if (record.state == SessionState::suspended) ++result.suspended;
    ++result.total;
  }
  return result;
}

}  // namespace sluice
