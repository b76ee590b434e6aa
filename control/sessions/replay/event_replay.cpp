#include "control/sessions/replay/event_replay.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"

namespace sluice {
namespace {

constexpr std::string_view table = "replay";
constexpr std::string_view type_prefix = R"({"type":")";
constexpr std::string_view seq_member = R"("__seq":)";

/// A key whose order as text is that of the numbers.
std::string key_of(std::int64_t seq) {
  const std::string digits = std::to_string(seq);
  return std::string(19 - std::min<std::size_t>(19, digits.size()), '0') + digits;
}

/// The type of a message that the server wrote: `type` is its first member, plain text.
std::string_view type_of(std::string_view message) {
  if (!message.starts_with(type_prefix)) return {};
  const std::string_view rest = message.substr(type_prefix.size());
  return rest.substr(0, std::min(rest.find('"'), rest.size()));
}

/// What follows `"type":"…"`, from its comma on, up to and with the closing brace.
std::string_view rest_of(std::string_view message, std::string_view type) {
  return message.substr(type_prefix.size() + type.size() + 1);
}

std::string metadata_json(const Metadata& metadata) {
  JsonWriter out;
  for (const auto& [key, value] : metadata.entries()) out.raw(key, value);
  return out.finish();
}

/// Whom an event is about: `peerId`, or the id of `peer`.
std::optional<PeerId> subject_of(const JsonObject& payload) {
  if (auto peer = payload.text("peerId")) return PeerId(std::move(*peer));
  const auto snapshot = payload.find("peer");
  const auto object = snapshot ? JsonObject::of(*snapshot) : std::nullopt;
  if (!object) return std::nullopt;
  if (auto id = object->text("id")) return PeerId(std::move(*id));
  return std::nullopt;
}

}  // namespace

// --- one event
// --------------------------------------------------------------------------------------------------------------------

std::string RecordedEvent::to_json() const {
  JsonWriter out;
  out.integer("seq", seq).string("hash", hash).string("type", type);
  if (room) {
    out.string("roomId", room->value);
  } else {
    out.null("roomId");
  }
  if (peer) {
    out.string("peerId", peer->value);
  } else {
    out.null("peerId");
  }
  return out.raw("payload", payload).integer("ts", ts).finish();
}

std::optional<RecordedEvent> RecordedEvent::from_json(std::string_view text) {
  const auto view = JsonView::parse(text);
  const auto object = view ? JsonObject::of(*view) : std::nullopt;
  if (!object) return std::nullopt;
  const auto seq = object->find("seq");
  const auto ts = object->find("ts");
  const auto payload = object->find("payload");
  auto type = object->text("type");
  if (!seq || !seq->as_integer() || !ts || !ts->as_integer() || !payload || payload->kind() != JsonKind::object || !type)
    return std::nullopt;
  RecordedEvent event;
  event.seq = *seq->as_integer();
  event.hash = object->text("hash").value_or("");
  event.type = std::move(*type);
  if (auto room = object->find("roomId"); room && room->as_string()) event.room = RoomId(*room->as_string());
  if (auto peer = object->text("peerId")) event.peer = PeerId(std::move(*peer));
  event.payload = payload->raw();
  event.ts = *ts->as_integer();
  if (event.seq <= 0) return std::nullopt;
  return event;
}

std::string RecordedEvent::message() const {
  return JsonWriter("replay:event")
      .integer("seq", seq)
      .string("event", type)
      .raw("payload", payload)
      .integer("ts", ts)
      .finish();
}

// --- the log
// ----------------------------------------------------------------------------------------------------------------------

EventReplay::EventReplay(Rooms& rooms, Bus& bus, Store& store, EventReplayOptions options, UnixClock unix_ms)
    : rooms_(rooms),
      bus_(bus),
      store_(store),
      options_(std::move(options)),
      unix_ms_(std::move(unix_ms)),
      room_created_(bus.subscribe<RoomCreated>([this](const RoomCreated& fact) {
        if (!options_.types.contains("room:created")) return;
        record("room:created", fact.room, std::nullopt,
               JsonWriter().string("roomId", fact.room.value).raw("metadata", metadata_json(fact.metadata)).finish());
      })),
      room_destroyed_(bus.subscribe<RoomDestroyed>([this](const RoomDestroyed& fact) {
        if (options_.types.contains("room:destroyed")) {
          record("room:destroyed", fact.room, std::nullopt, JsonWriter().string("roomId", fact.room.value).finish());
        }
        forget_room(fact.room);
      })) {
  load();
}

void EventReplay::load() {
  std::vector<std::string> damaged;
  store_.load(table, [&](std::string_view key, std::string_view value) {
    auto event = RecordedEvent::from_json(value);
    if (!event || event->seq <= seq_) {
      damaged.emplace_back(key);
      return;
    }
    seq_ = event->seq;
    if (event->room) last_seq_[*event->room] = seq_;
    hashes_.insert(event->hash);
    log_.push_back(std::move(*event));
  });
  for (const std::string& key : damaged) store_.erase(table, key);
  evict();
  // Of rooms whose older events are gone nothing is known any more: what lies before the first one held may be missing.
  if (log_.empty() || log_.front().seq == 1) return;
  for (const auto& [room, last] : last_seq_) evicted_[room] = log_.front().seq - 1;
}

std::string EventReplay::hash_of(const RecordedEvent& event) const {
  // The content as well: two events of one millisecond are two events.
  const std::string text = event.type + ":" + (event.room ? event.room->value : "") + ":" +
                           (event.peer ? event.peer->value : "") + ":" + std::to_string(event.ts) + ":" + event.payload;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (std::size_t i = 0; i < 8; ++i) {
    hex += digits[digest[i] >> 4U];
    hex += digits[digest[i] & 15U];
  }
  return hex;
}

std::optional<RecordedEvent> EventReplay::record(std::string type, std::optional<RoomId> room, std::optional<PeerId> peer,
                                                 std::string payload) {
  RecordedEvent event{0, {}, std::move(type), std::move(room), std::move(peer), std::move(payload), unix_ms_()};
  event.hash = hash_of(event);
  if (!hashes_.insert(event.hash).second) return std::nullopt;
  event.seq = ++seq_;
  if (event.room) last_seq_[*event.room] = event.seq;
  store_.put(table, key_of(event.seq), event.to_json());
  log_.push_back(event);
  evict();
  bus_.publish(EventRecorded{event});
  return event;
}

void EventReplay::evict() {
  while (log_.size() > options_.capacity) {
    const RecordedEvent& oldest = log_.front();
    if (oldest.room && last_seq_.contains(*oldest.room)) evicted_[*oldest.room] = oldest.seq;
    hashes_.erase(oldest.hash);
    store_.erase(table, key_of(oldest.seq));
    log_.pop_front();
  }
}

void EventReplay::forget_room(const RoomId& room) {
  last_seq_.erase(room);
  evicted_.erase(room);
}

std::optional<std::string> EventReplay::record(const RoomId& room, std::string_view message) {
  const std::string_view type = type_of(message);
  if (type.empty() || !options_.types.contains(type)) return std::nullopt;
  const std::string_view rest = rest_of(message, type);  // `,"a":1}` or `}`
  std::string payload = "{" + std::string(rest.starts_with(',') ? rest.substr(1) : rest);
  const auto view = JsonView::parse(payload);
  const auto object = view ? JsonObject::of(*view) : std::nullopt;
  if (!object) return std::nullopt;  // not a message of ours
  const auto event = record(std::string(type), room, subject_of(*object), std::move(payload));
  // A duplicate goes out under the number of the last one: nobody misses anything by not knowing it.
  const std::int64_t seq = event ? event->seq : seq_;
  std::string numbered(type_prefix);
  numbered.append(type).append("\",").append(seq_member).append(std::to_string(seq)).append(rest);
  return numbered;
}

bool EventReplay::numbered(std::string_view message) const {
  const std::string_view type = type_of(message);
  if (type.empty()) return false;
  const std::string_view rest = rest_of(message, type);
  return rest.starts_with(',') && rest.substr(1).starts_with(seq_member);
}

std::int64_t EventReplay::last_seq(const RoomId& room) const {
  const auto found = last_seq_.find(room);
  return found == last_seq_.end() ? 0 : found->second;
}

// --- telling it again
// -------------------------------------------------------------------------------------------------------------

std::vector<std::string> EventReplay::envelope(const RoomId& room, const PeerId& peer, std::int64_t last_seen) {
  const std::int64_t oldest = unix_ms_() - options_.replay_ttl.count();
  std::vector<const RecordedEvent*> events;
  const auto lost = evicted_.find(room);
  bool gap = (lost != evicted_.end() && lost->second > last_seen) || last_seen > seq_;
  const auto begin = std::upper_bound(log_.begin(), log_.end(), last_seen,
                                      [](std::int64_t seen, const RecordedEvent& event) { return seen < event.seq; });
  for (auto event = begin; event != log_.end(); ++event) {
    if (event->room != room || event->peer == peer) continue;
    if (event->ts < oldest) {
      gap = true;
      continue;
    }
    events.push_back(&*event);
  }
  const std::int64_t from = events.empty() ? last_seen : events.front()->seq;
  const std::int64_t to = events.empty() ? last_seen : events.back()->seq;
  const auto count = static_cast<std::int64_t>(events.size());
  std::vector<std::string> messages;
  JsonWriter start("replay:start");
  start.string("roomId", room.value).integer("fromSeq", from).integer("toSeq", to).integer("count", count);
  if (gap) start.boolean("gap", true);
  messages.push_back(start.finish());
  for (const RecordedEvent* event : events) messages.push_back(event->message());
  messages.push_back(JsonWriter("replay:end")
                         .string("roomId", room.value)
                         .integer("count", count)
                         .integer("lastSeq", last_seq(room))
                         .finish());
  if (gap) bus_.publish(ReplayGapDetected{peer, room, last_seen});
  bus_.publish(EventsReplayed{peer, room, events.size(), from, to});
  return messages;
}

std::vector<RecordedEvent> EventReplay::since(std::int64_t seq) const {
  const auto begin = std::upper_bound(log_.begin(), log_.end(), seq,
                                      [](std::int64_t seen, const RecordedEvent& event) { return seen < event.seq; });
  return {begin, log_.end()};
}

std::vector<RecordedEvent> EventReplay::room_events(const RoomId& room, std::int64_t after) const {
  std::vector<RecordedEvent> result = since(after);
  std::erase_if(result, [&](const RecordedEvent& event) { return event.room != room; });
  return result;
}

std::size_t EventReplay::replay_to_peer(const PeerId& peer, std::int64_t after) {
  const Peer* found = rooms_.find_peer(peer);
  if (found == nullptr || !found->room()) return 0;
  std::size_t count = 0;
  for (const RecordedEvent& event : since(after)) {
    if (event.room && event.room != found->room()) continue;
    (void)rooms_.post(peer, event.message());
    ++count;
  }
  return count;
}

EventReplay::Statistics EventReplay::statistics() const noexcept {
  return {log_.size(), seq_, log_.empty() ? 0 : log_.front().seq};
}

}  // namespace sluice
