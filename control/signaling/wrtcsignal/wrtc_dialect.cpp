#include "control/signaling/wrtcsignal/wrtc_dialect.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "control/json/json_writer.hpp"
#include "control/rooms/random_id.hpp"

namespace sluice {

using socketio::EventText;
using socketio::SocketKey;

namespace {

constexpr std::string_view bad_token = "Token is not valid";
constexpr std::string_view room_taken = "Room already taken someone else. Please type another room name or stay it blank.";
constexpr std::string_view room_missing = "Room is not found.";
constexpr std::string_view owner_rejected = "Room owner was rejected your request";

}  // namespace

/// The fields of an event's one argument. What is absent stays absent in what goes out.
struct WrtcDialect::Said {
  std::optional<JsonObject> object;
  const socketio::Attachments& attachments;

  [[nodiscard]] std::optional<std::string> text(std::string_view key) const {
    return object ? object->text(key) : std::nullopt;
  }
  [[nodiscard]] std::optional<Kept> kept(std::string_view key) const {
    const auto value = object ? object->find(key) : std::nullopt;
    return value ? std::optional(Kept{std::string(value->raw()), attachments}) : std::nullopt;
  }
};

namespace {

/// Writes the one argument of an event; members that are absent are left out.
class Argument {
 public:
  explicit Argument(std::string_view event) : event_(event) {}
  Argument& text(std::string_view key, std::string_view value) {
    writer_.string(key, value);
    return *this;
  }
  template <typename Kept>
  Argument& kept(std::string_view key, const Kept* value) {
    if (value != nullptr) writer_.raw(key, event_.adopt(value->json, value->attachments));
    return *this;
  }
  template <typename Kept>
  Argument& kept(std::string_view key, const std::optional<Kept>& value) {
    return kept(key, value ? &*value : nullptr);
  }
  Argument& raw(std::string_view key, std::string_view json) {
    writer_.raw(key, json);
    return *this;
  }
  /// For values inside a raw() that may hold binary.
  [[nodiscard]] EventText& event() noexcept { return event_; }
  EventText finish() {
    event_.argument(writer_.finish());
    return std::move(event_);
  }

 private:
  EventText event_;
  JsonWriter writer_;
};

}  // namespace

WrtcDialect::WrtcDialect(socketio::SocketServer& server, socketio::Endpoint& endpoint, Rooms& rooms, Bus& bus,
                         Entropy& entropy, const WrtcTokens& tokens, socketio::Memberships::RoomIdOf room_id,
                         UnixSeconds unix_seconds, WrtcOptions options)
    : server_(server),
      endpoint_(endpoint),
      entropy_(entropy),
      tokens_(tokens),
      unix_seconds_(std::move(unix_seconds)),
      options_(options),
      memberships_(
          rooms, bus, std::string(wrtc_dialect_name), std::move(room_id), options.members_per_room_max,
          [this](SocketKey socket, const PeerKicked&) { server_.disconnect(socket, now_); },
          [this](const std::string& room, std::optional<SocketKey> socket, std::string_view name, const std::string& json) {
            EventText event(name);
            event.argument(json);
            socket ? server_.emit(*socket, event, now_) : server_.broadcast(endpoint_, room, event, {}, now_);
          }) {}

socketio::ConnectDecision WrtcDialect::connect(const socketio::ConnectRequest& request, TimePoint) {
  const auto auth = JsonObject::of(request.auth);
  const auto token = auth ? auth->text("token") : std::nullopt;
  if (token && tokens_.verified(*token)) return socketio::ConnectAccepted{};
  ++statistics_.tokens_refused;
  if (options_.legacy_silent_reject) return socketio::ConnectIgnored{};
  return socketio::ConnectRefused{std::string(bad_token)};
}

void WrtcDialect::on_connect(SocketKey socket, const socketio::ConnectRequest& request, TimePoint now) {
  now_ = now;
  memberships_.enter(socket, request.ip);
  memberships_.present(socket, request.auth);
}

void WrtcDialect::on_disconnecting(SocketKey socket, socketio::DisconnectReason reason, TimePoint now) {
  now_ = now;
  for (const auto& room : endpoint_.rooms.rooms_of(socket)) {
    Argument left("room-user-leave");
    left.text("room", *room).text("peer_id", server_.id(socket)).kept("peerinfo", peerinfo(socket));
    server_.broadcast(endpoint_, *room, left.finish(), socket, now);
    const auto owners = owners_.find(*room);
    if (owners == owners_.end()) continue;
    owners->second.erase(socket);
    if (endpoint_.rooms.members(*room).size() <= 1) owners_.erase(owners);  // the leaver is still a member
  }
  memberships_.leave_all(socket,
                         reason == socketio::DisconnectReason::connection_lost ? LeaveCause::dropped : LeaveCause::left);
  peerinfos_.erase(socket);
}

const WrtcDialect::Kept* WrtcDialect::peerinfo(SocketKey socket) const {
  const auto found = peerinfos_.find(socket);
  return found == peerinfos_.end() ? nullptr : &found->second;
}

bool WrtcDialect::is_owner(SocketKey socket, const std::string& room) const {
  const auto owners = owners_.find(room);
  return owners != owners_.end() && owners->second.contains(socket);
}

// --- events ---------------------------------------------------------------------------------------------------------------

void WrtcDialect::on_event(SocketKey socket, const socketio::Event& event, TimePoint now) {
  now_ = now;
  using Handler = void (WrtcDialect::*)(SocketKey, const Said&, TimePoint);
  static constexpr std::pair<std::string_view, Handler> handlers[] = {
      {"room-create-request", &WrtcDialect::create},
      {"room-join-request", &WrtcDialect::ask},
      {"room-join-accept", &WrtcDialect::accept},
      {"room-join-reject", &WrtcDialect::reject},
  };
  const bool description = event.name == "relay-session-description";
  const bool candidate = event.name == "relay-ice-candidate";
  const auto* const handler =
      std::find_if(std::begin(handlers), std::end(handlers), [&](const auto& entry) { return entry.first == event.name; });
  if (!description && !candidate && handler == std::end(handlers) && event.name != "auth-request") return;

  GuardedMessage guarded;
  guarded.request = description ? ClientRequest::sdp : candidate ? ClientRequest::candidate : ClientRequest::other;
  if (description || candidate) guarded.bytes = event.arguments.empty() ? 0 : event.arguments.front().raw().size();
  if (!memberships_.passes(socket, guarded, now)) return;

  const Said said{event.arguments.empty() ? std::nullopt : JsonObject::of(event.arguments.front()), event.attachments};
  if (event.name == "auth-request") return authenticate(socket, said, now);
  const auto token = said.text("auth");
  if (!token || !tokens_.is_session(*token, server_.id(socket), unix_seconds_(now))) {
    ++statistics_.unauthorized;
    return deliver(socket, Argument("unauthorized").text("message", bad_token).finish(), now);
  }
  if (description) return relay(socket, said, "session-description", "session_description", now);
  if (candidate) return relay(socket, said, "ice-candidate", "ice_candidate", now);
  (this->*handler->second)(socket, said, now);
}

void WrtcDialect::authenticate(SocketKey socket, const Said& said, TimePoint now) {
  const auto token = said.text("token");
  const auto claims = token ? tokens_.verified(*token) : std::nullopt;
  if (!claims) {
    ++statistics_.tokens_refused;
    return deliver(socket, Argument("auth-reject").text("message", bad_token).kept("payload", said.kept("payload")).finish(),
                   now);
  }
  auto info = said.object->truthy("peerinfo") ? said.kept("peerinfo") : std::nullopt;
  if (info && info->json.size() <= options_.peerinfo_bytes_max) peerinfos_[socket] = std::move(*info);
  const std::int64_t expires = unix_seconds_(now) + options_.token_lifetime.count();
  Argument answer("auth-accept");
  answer.kept("payload", said.kept("payload"))
      .text("token", tokens_.session_token(claims->app, expires, server_.id(socket)));
  deliver(socket, answer.finish(), now);
}

void WrtcDialect::create(SocketKey socket, const Said& said, TimePoint now) {
  const auto payload = said.kept("payload");
  const std::string room = said.text("room").value_or(random_uuid(entropy_));
  const auto refuse = [this, socket, payload](std::string_view message, TimePoint when) {
    deliver(socket, Argument("room-create-reject").kept("payload", payload).text("message", message).finish(), when);
  };
  if (room.size() > options_.room_bytes_max || memberships_.count(socket) >= options_.rooms_per_socket_max ||
      !endpoint_.rooms.members(room).empty() || !taken_.insert(room).second)
    return refuse(room_taken, now);
  Metadata metadata;
  if (const Kept* info = peerinfo(socket); info != nullptr && info->attachments.empty())
    metadata.set("peerinfo", info->json);
  // The core forgets an admission whose socket leaves first; the name must not stay taken then.
  const auto hold = std::shared_ptr<void>(nullptr, [this, room](void*) { taken_.erase(room); });
  memberships_.join(
      socket, room, std::move(metadata), now,
      [this, socket, room, payload, refuse, hold](const JoinOutcome& outcome, TimePoint when) {
        now_ = when;
        if (!outcome)
          return refuse(outcome.error().message.empty() ? room_taken : std::string_view(outcome.error().message), when);
        endpoint_.rooms.join(socket, room);
        owners_[room].insert(socket);
        deliver(socket, Argument("room-create-accept").text("room", room).kept("payload", payload).finish(), when);
      });
}

void WrtcDialect::ask(SocketKey socket, const Said& said, TimePoint now) {
  const auto room = said.text("room");
  if (!room) return;
  const auto payload = said.kept("payload");
  const auto refuse = [&] {
    deliver(socket, Argument("room-join-reject").text("message", room_missing).kept("payload", payload).finish(), now);
  };
  if (endpoint_.rooms.members(*room).empty()) return refuse();
  auto owners = owners_.find(*room);
  if (owners == owners_.end() || owners->second.empty()) {
    if (options_.ownerless == WrtcOptions::Ownerless::reject) return refuse();
    if (options_.ownerless == WrtcOptions::Ownerless::silent) return;
    promote_oldest(*room);
    owners = owners_.find(*room);
  }
  Argument asked("room-join-request");
  asked.text("room", *room).text("peer_id", server_.id(socket)).kept("payload", payload).kept("peerinfo", peerinfo(socket));
  const EventText event = asked.finish();
  for (const SocketKey owner : std::vector<SocketKey>(owners->second.begin(), owners->second.end())) {
    if (owner != socket) deliver(owner, event, now);
  }
}

void WrtcDialect::promote_oldest(const std::string& room) {
  owners_[room].insert(endpoint_.rooms.members(room).front());
}

void WrtcDialect::accept(SocketKey socket, const Said& said, TimePoint now) {
  const auto room = said.text("room");
  const auto peer = said.text("peer_id");
  if (!room || !peer || !is_owner(socket, *room)) return;
  const auto candidate = server_.find(endpoint_, *peer);
  if (!candidate) return;
  admit(*candidate, *room, said.kept("payload"), now);
}

void WrtcDialect::admit(SocketKey candidate, const std::string& room, const std::optional<Kept>& payload, TimePoint now) {
  if (endpoint_.rooms.is_member(candidate, room)) return enter(candidate, room, payload, now);  // told once more
  if (memberships_.has(candidate, room)) return;                                                // the core is deciding
  const auto refuse = [this, candidate, room, payload](const std::string& message, TimePoint when) {
    Argument rejected("room-join-reject");
    rejected.text("room", room).text("peer_id", server_.id(candidate)).text("message", message).kept("payload", payload);
    deliver(candidate, rejected.finish(), when);
  };
  if (memberships_.count(candidate) >= options_.rooms_per_socket_max) return refuse("Too many rooms", now);
  Metadata metadata;
  if (const Kept* info = peerinfo(candidate); info != nullptr && info->attachments.empty())
    metadata.set("peerinfo", info->json);
  memberships_.join(
      candidate, room, std::move(metadata), now,
      [this, candidate, room, payload, refuse](const JoinOutcome& outcome, TimePoint when) {
        now_ = when;
        if (outcome) return enter(candidate, room, payload, when);
        const bool full = outcome.error().kind == JoinRefusal::Kind::room_full;
        refuse(full ? "Room is full." : outcome.error().message.empty() ? "Join rejected" : outcome.error().message, when);
      });
}

void WrtcDialect::enter(SocketKey candidate, const std::string& room, const std::optional<Kept>& payload, TimePoint now) {
  endpoint_.rooms.join(candidate, room);
  Argument accepted("room-join-accept");
  JsonArrayWriter peers;
  JsonWriter infos;
  for (const SocketKey member : endpoint_.rooms.members(room)) {
    if (member != candidate) peers.string(server_.id(member));
    const Kept* info = peerinfo(member);
    infos.raw(server_.id(member),
              info == nullptr
                  ? "{}"
                  : JsonWriter().raw("peerinfo", accepted.event().adopt(info->json, info->attachments)).finish());
  }
  accepted.text("room", room)
      .text("peer_id", server_.id(candidate))
      .raw("peers", peers.finish())
      .raw("peersinfo", infos.finish());
  accepted.kept("payload", payload);
  deliver(candidate, accepted.finish(), now);
  Argument joined("room-user-join");
  joined.text("room", room)
      .text("peer_id", server_.id(candidate))
      .kept("payload", payload)
      .kept("peerinfo", peerinfo(candidate));
  server_.broadcast(endpoint_, room, joined.finish(), candidate, now);
}

void WrtcDialect::reject(SocketKey socket, const Said& said, TimePoint now) {
  const auto room = said.text("room");
  const auto peer = said.text("peer_id");
  if (!room || !peer || !is_owner(socket, *room)) return;
  const auto candidate = server_.find(endpoint_, *peer);
  if (!candidate) return;
  Argument rejected("room-join-reject");
  rejected.text("room", *room).text("peer_id", *peer).text("message", owner_rejected).kept("payload", said.kept("payload"));
  deliver(*candidate, rejected.finish(), now);
}

void WrtcDialect::relay(SocketKey socket, const Said& said, std::string_view event, std::string_view content,
                        TimePoint now) {
  const auto to = said.text("to");
  const auto receiver = to ? server_.find(endpoint_, *to) : std::nullopt;
  if (!receiver) {
    ++statistics_.dropped;
    return;
  }
  ++statistics_.relayed;
  Argument relayed(event);
  relayed.text("peer_id", server_.id(socket)).kept(content, said.kept(content)).kept("room", said.kept("room"));
  relayed.kept("payload", said.kept("payload"));
  deliver(*receiver, relayed.finish(), now);
}

}  // namespace sluice
