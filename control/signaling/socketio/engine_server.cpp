#include "control/signaling/socketio/engine_server.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::socketio {
namespace {

using namespace std::chrono_literals;

/// How often a pending poll without data is ended while a WebSocket takes over (section 5.4).
constexpr Duration noop_period = 100ms;
constexpr std::string_view text_type = "text/plain; charset=UTF-8";

const SharedText& ping_text() {
  static const SharedText text = std::make_shared<const std::string>("2");
  return text;
}
const SharedText& probe_answer() {
  static const SharedText text = std::make_shared<const std::string>("3probe");
  return text;
}

bool is_loopback(std::string_view ip) {
  return ip.starts_with("127.") || ip == "::1";
}

/// Textual types are treated alike; the one that is refused is the one of other protocol versions (section 5.2).
bool is_octet_stream(std::string_view content_type) {
  constexpr std::string_view name = "application/octet-stream";
  return content_type.size() >= name.size() &&
         std::equal(name.begin(), name.end(), content_type.begin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + ('a' - 'A')) : b); });
}

}  // namespace

std::string random_sid(Entropy& entropy) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  std::array<std::byte, 15> random{};
  entropy.fill(random);
  std::string sid;
  sid.reserve(20);
  for (std::size_t i = 0; i < random.size(); i += 3) {
    const std::uint32_t group = std::to_integer<std::uint32_t>(random[i]) << 16U |
                                std::to_integer<std::uint32_t>(random[i + 1]) << 8U |
                                std::to_integer<std::uint32_t>(random[i + 2]);
    for (const unsigned shift : {18U, 12U, 6U, 0U}) sid += alphabet[group >> shift & 63U];
  }
  return sid;
}

std::string_view to_string(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::transport_close:
      return "transport close";
    case CloseReason::transport_error:
      return "transport error";
    case CloseReason::parse_error:
      return "parse error";
    case CloseReason::ping_timeout:
      return "ping timeout";
    case CloseReason::forced_close:
      return "forced close";
    case CloseReason::server_shutting_down:
      break;
  }
  return "server shutting down";
}

class EngineServer::Turn {
 public:
  explicit Turn(EngineServer& server) : server_(server) { ++server_.depth_; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (--server_.depth_ > 0) return;
    for (const SessionKey key : server_.dirty_) {
      Session* session = server_.find(key);
      if (session == nullptr) continue;
      session->dirty = false;
      if (session->poll != 0 && !session->queue.empty()) server_.answer_poll(*session);
    }
    server_.dirty_.clear();
  }

 private:
  EngineServer& server_;
};

EngineServer::EngineServer(EngineSettings settings, EngineHandler& handler, EngineSink& sink, Entropy& entropy)
    : settings_(settings), handler_(handler), sink_(sink), entropy_(entropy) {}

EngineServer::Session* EngineServer::find(SessionKey key) {
  const auto found = sessions_.find(key.value);
  return found == sessions_.end() ? nullptr : &found->second;
}

EngineServer::Session* EngineServer::by_sid(const std::string& sid) {
  const auto found = by_sid_.find(sid);
  return found == by_sid_.end() ? nullptr : find(found->second);
}

// --- requests -------------------------------------------------------------------------------------------------------------

/// The order of section 3.
std::optional<EngineError> EngineServer::check(const EngineRequest& request, const EngineQuery& query, bool upgrade) {
  const bool offered = query.transport == TransportName::polling     ? settings_.polling
                       : query.transport == TransportName::websocket ? settings_.websocket
                                                                     : false;
  if (!offered) return EngineError::transport_unknown;
  if (has_control_characters(request.origin)) return EngineError::bad_request;
  if (query.has_sid) {
    const Session* session = by_sid(query.sid);
    if (session == nullptr) return EngineError::session_unknown;
    if (!upgrade && (query.transport == TransportName::websocket || session->socket != 0)) return EngineError::bad_request;
    if (query.eio != "4") return EngineError::bad_request;
  } else {
    if (request.method != EngineRequest::Method::get) return EngineError::bad_handshake_method;
    if (!upgrade && query.transport == TransportName::websocket) return EngineError::bad_request;
    if (shutting_down_ || sessions_.size() >= settings_.sessions_max) return EngineError::forbidden;
    const auto known = is_loopback(request.ip) ? sessions_by_ip_.end() : sessions_by_ip_.find(std::string(request.ip));
    if (known != sessions_by_ip_.end() && known->second >= settings_.sessions_per_ip_max) return EngineError::forbidden;
    if (query.eio != "4") return EngineError::unsupported_version;
  }
  if (upgrade && query.transport != TransportName::websocket) return EngineError::bad_request;
  return std::nullopt;
}

void EngineServer::http_begin(RequestId id, const EngineRequest& request, TimePoint now) {
  const Turn turn(*this);
  if (settings_.cors && request.method == EngineRequest::Method::options) {
    EngineResponse response = preflight_response(request.requested_headers);
    allow_any_origin(response);
    return sink_.answer(id, std::move(response));
  }
  const EngineQuery query = read_engine_query(request.query);
  if (const auto error = check(request, query, false)) {
    ++statistics_.refused;
    EngineResponse response = error_response(*error);
    if (settings_.cors) allow_any_origin(response);
    return sink_.answer(id, std::move(response));
  }
  if (!query.has_sid) {
    Session& session = open_session(request.ip, now);
    EngineResponse response{200, std::string(text_type), open_packet(session, true), {{"Cache-Control", "no-store"}}};
    if (settings_.cors) allow_any_origin(response);
    sink_.answer(id, std::move(response));
    return handler_.on_open(session.key, request.ip, request.entrance, now);
  }
  Session& session = *by_sid(query.sid);
  if (request.method == EngineRequest::Method::get) return poll(session, id, now);
  if (request.method == EngineRequest::Method::post) return begin_post(session, id, request, now);
  answer(id, 400, "", "");
}

EngineServer::Session& EngineServer::open_session(std::string_view ip, TimePoint now) {
  const SessionKey key{++last_key_};
  Session& session = sessions_[key.value];
  session.key = key;
  session.sid = random_sid(entropy_);
  session.ip = ip;
  by_sid_[session.sid] = key;
  if (!is_loopback(ip)) ++sessions_by_ip_[session.ip];
  session.ping_due = now + settings_.ping_interval;
  if (settings_.connect_timeout > 0ms) session.connect_due = now + settings_.connect_timeout;
  ++statistics_.sessions_opened;
  arm(session);
  return session;
}

std::string EngineServer::open_packet(const Session& session, bool upgrades) const {
  return R"(0{"sid":")" + session.sid + R"(","upgrades":[)" + (upgrades && settings_.websocket ? R"("websocket")" : "") +
         R"(],"pingInterval":)" + std::to_string(settings_.ping_interval.count()) + R"(,"pingTimeout":)" +
         std::to_string(settings_.ping_timeout.count()) + R"(,"maxPayload":)" + std::to_string(settings_.payload_bytes_max) +
         "}";
}

void EngineServer::answer(RequestId id, int status, std::string content_type, std::string body) {
  EngineResponse response{status, std::move(content_type), std::move(body), {}};
  if (settings_.cors) allow_any_origin(response);
  sink_.answer(id, std::move(response));
}

// --- polling --------------------------------------------------------------------------------------------------------------

void EngineServer::poll(Session& session, RequestId id, TimePoint now) {
  if (session.poll != 0) {
    // The client cannot have two: one of them is not its own (section 5.1).
    ++statistics_.protocol_errors;
    answer(id, 400, "", "");
    return end(session, CloseReason::transport_error, now);
  }
  session.poll = id;
  by_request_[id] = session.key;
  if (session.closing) {
    answer_poll(session, "1");
    return forget(session);
  }
  if (!session.queue.empty()) mark(session);
}

void EngineServer::begin_post(Session& session, RequestId id, const EngineRequest& request, TimePoint now) {
  if (session.post != 0 || is_octet_stream(request.content_type)) {
    ++statistics_.protocol_errors;
    answer(id, 400, "", "");
    if (!session.closing) end(session, CloseReason::transport_error, now);
    return;
  }
  session.post = id;
  by_request_[id] = session.key;
}

void EngineServer::post_body(RequestId id, std::string_view body, TimePoint now) {
  const auto found = by_request_.find(id);
  if (found == by_request_.end()) return;  // answered by now: the session has ended
  const Turn turn(*this);
  const SessionKey key = found->second;
  if (body.size() > settings_.payload_bytes_max) return post_too_large(id);
  by_request_.erase(found);
  Session* session = find(key);
  session->post = 0;
  if (session->closing) return answer(id, 200, "text/html", "ok");
  PayloadReader reader(body);
  bool alive = true;
  bool broken = !is_utf8(body);
  if (!broken) {
    while (const auto next = reader.next()) {
      alive = packet(key, *next, now);
      if (!alive) break;
    }
    broken = alive && reader.failed();
  }
  session = alive ? find(key) : nullptr;
  if (session != nullptr && broken) {
    ++statistics_.protocol_errors;
    answer(id, 400, "", "");
    return end(*session, CloseReason::parse_error, now);
  }
  answer(id, 200, "text/html", "ok");
}

void EngineServer::post_too_large(RequestId id) {
  const auto found = by_request_.find(id);
  if (found == by_request_.end()) return;
  Session* session = find(found->second);
  by_request_.erase(found);
  if (session != nullptr) session->post = 0;
  answer(id, 413, "", "");
}

void EngineServer::http_lost(RequestId id, TimePoint now) {
  const auto found = by_request_.find(id);
  if (found == by_request_.end()) return;
  const Turn turn(*this);
  Session* session = find(found->second);
  by_request_.erase(found);
  if (session == nullptr) return;
  if (session->poll == id) session->poll = 0;
  if (session->post == id) session->post = 0;
  if (session->closing) return forget(*session);
  // Before an upgrade is complete a lost poll is a closed tab; afterwards nothing is pending.
  end(*session, CloseReason::transport_error, now);
}

void EngineServer::mark(Session& session) {
  if (session.dirty) return;
  session.dirty = true;
  dirty_.push_back(session.key);
}

/// Everything queued, and then `last` as one more packet.
void EngineServer::answer_poll(Session& session, std::string_view last) {
  std::string body;
  body.reserve(session.queue_bytes + session.queue.size() + last.size());
  const auto separate = [&] {
    if (!body.empty()) body += payload_separator;
  };
  for (const Frame& frame : session.queue) {
    separate();
    if (frame.binary) {
      body += 'b';
      base64_append(body, *frame.data);
    } else {
      body += *frame.data;
    }
  }
  session.queue = {};
  session.queue_bytes = 0;
  if (!last.empty()) {
    separate();
    body += last;
  }
  const RequestId id = std::exchange(session.poll, RequestId{0});
  by_request_.erase(id);
  EngineResponse response{200, std::string(text_type), std::move(body), {{"Cache-Control", "no-store"}}};
  if (settings_.cors) allow_any_origin(response);
  sink_.answer(id, std::move(response));
}

// --- WebSocket ------------------------------------------------------------------------------------------------------------

std::optional<EngineError> EngineServer::check_upgrade(const EngineRequest& request) {
  const auto error = check(request, read_engine_query(request.query), true);
  if (error) ++statistics_.refused;
  return error;
}

void EngineServer::ws_open(SocketId socket, const EngineRequest& request, TimePoint now) {
  const Turn turn(*this);
  const EngineQuery query = read_engine_query(request.query);
  if (check(request, query, true)) return sink_.close(socket);  // the session ended between the check and now
  if (!query.has_sid) {
    Session& session = open_session(request.ip, now);
    session.socket = socket;
    by_socket_[socket] = session.key;
    sink_.send(socket, std::make_shared<const std::string>(open_packet(session, false)), false);
    return handler_.on_open(session.key, request.ip, request.entrance, now);
  }
  Session& session = *by_sid(query.sid);
  if (session.socket != 0 || session.probe != 0 || session.closing) return sink_.close(socket);
  session.probe = socket;
  session.probed = false;
  session.upgrade_due = now + settings_.upgrade_timeout;
  by_socket_[socket] = session.key;
  arm(session);
}

void EngineServer::ws_message(SocketId socket, std::string_view data, bool binary, TimePoint now) {
  const auto found = by_socket_.find(socket);
  if (found == by_socket_.end()) return;
  const Turn turn(*this);
  const SessionKey key = found->second;
  Session& session = *find(key);
  if (session.probe == socket) return probe_message(session, data, binary, now);
  if (binary) {
    (void)packet(key, {EngineType::message, true, data}, now);
    return;
  }
  std::string scratch;
  const auto read = read_engine_text(data, scratch);
  if (read) {
    (void)packet(key, *read, now);
  } else {
    ++statistics_.protocol_errors;
    end(session, CloseReason::parse_error, now);
  }
}

void EngineServer::probe_message(Session& session, std::string_view data, bool binary, TimePoint now) {
  if (!binary && data == "2probe") {
    session.probed = true;
    session.noop_due = now + noop_period;
    arm(session);
    return sink_.send(session.probe, probe_answer(), false);
  }
  if (!binary && data == "5" && session.probed) return take_over(session, now);
  drop_probe(session);
}

void EngineServer::take_over(Session& session, TimePoint now) {
  if (session.poll != 0) answer_poll(session, session.queue.empty() ? "6" : "");
  session.socket = std::exchange(session.probe, SocketId{0});
  session.probed = false;
  session.noop_due = never;
  session.upgrade_due = never;
  if (session.pong_due != never) {
    // The pong may have been lost with the old transport: it is not waited for, and another ping follows.
    session.pong_due = never;
    session.ping_due = now + settings_.ping_interval;
  }
  ++statistics_.upgrades;
  for (const Frame& frame : session.queue) sink_.send(session.socket, frame.data, frame.binary);
  session.queue = {};
  session.queue_bytes = 0;
  arm(session);
}

void EngineServer::drop_probe(Session& session) {
  if (session.probe == 0) return;
  by_socket_.erase(session.probe);
  sink_.close(std::exchange(session.probe, SocketId{0}));
  session.probed = false;
  session.noop_due = never;
  session.upgrade_due = never;
}

void EngineServer::ws_close(SocketId socket, TimePoint now) {
  const auto found = by_socket_.find(socket);
  if (found == by_socket_.end()) return;
  const Turn turn(*this);
  Session& session = *find(found->second);
  by_socket_.erase(found);
  if (session.probe == socket) {
    session.probe = 0;
    session.probed = false;
    session.noop_due = never;
    session.upgrade_due = never;
    return;
  }
  session.socket = 0;
  end(session, CloseReason::transport_close, now);
}

// --- packets --------------------------------------------------------------------------------------------------------------

bool EngineServer::packet(SessionKey key, const EnginePacket& packet, TimePoint now) {
  Session& session = *find(key);
  if (session.pong_due != never && packet.type != EngineType::pong && !session.pong_extended) {
    session.pong_extended = true;  // once: traffic in the other direction may have delayed the pong
    session.pong_due = now + settings_.ping_timeout;
  }
  switch (packet.type) {
    case EngineType::message:
      ++statistics_.messages_in;
      handler_.on_message(key, packet.data, packet.binary, now);
      break;
    case EngineType::pong:
      if (session.pong_due == never) break;  // not asked for
      session.pong_due = never;
      session.ping_due = now + settings_.ping_interval;
      arm(session);
      break;
    case EngineType::ping:
      violated(session, now);
      return false;
    case EngineType::close:
      // A pending poll learns of it by a noop: the client asked for the end itself.
      if (session.poll != 0) answer_poll(session, "6");
      end(session, CloseReason::transport_close, now);
      return false;
    case EngineType::open:
    case EngineType::upgrade:
    case EngineType::noop:
      break;
  }
  Session* left = find(key);
  return left != nullptr && !left->closing;
}

void EngineServer::violated(Session& session, TimePoint now) {
  ++statistics_.protocol_errors;
  end(session, CloseReason::transport_error, now);
}

// --- the layer above ------------------------------------------------------------------------------------------------------

void EngineServer::send(SessionKey key, const SharedText& data, bool binary, TimePoint now) {
  Session* session = find(key);
  if (session == nullptr || session->closing) return;
  ++statistics_.messages_out;
  if (session->socket != 0) return sink_.send(session->socket, data, binary);
  const Turn turn(*this);
  session->queue_bytes += data->size();
  if (session->queue_bytes > settings_.queue_bytes_max || session->queue.size() >= settings_.queue_packets_max) {
    ++statistics_.queues_overflowed;
    return end(*session, CloseReason::transport_error, now);
  }
  session->queue.push_back({data, binary});
  if (session->poll != 0) mark(*session);
}

void EngineServer::close(SessionKey key, CloseReason reason, TimePoint now) {
  Session* session = find(key);
  if (session == nullptr || session->closing) return;
  const Turn turn(*this);
  if (session->socket != 0 || session->poll != 0) return end(*session, reason, now);
  session->closing = true;
  drop_probe(*session);
  session->ping_due = session->pong_due = session->connect_due = never;
  session->close_due = now + settings_.poll_close_timeout;
  arm(*session);
  handler_.on_close(key, reason, now);
}

void EngineServer::established(SessionKey key) {
  if (Session* session = find(key)) session->connect_due = never;
}

void EngineServer::shut_down(TimePoint now) {
  shutting_down_ = true;
  std::vector<SessionKey> keys;
  keys.reserve(sessions_.size());
  for (const auto& [key, session] : sessions_) keys.push_back(session.key);
  for (const SessionKey key : keys) close(key, CloseReason::server_shutting_down, now);
}

void EngineServer::end(Session& session, CloseReason reason, TimePoint now) {
  const SessionKey key = session.key;
  session.closing = true;  // nothing more is sent by what follows
  if (session.poll != 0) answer_poll(session, "1");
  if (session.post != 0) {
    by_request_.erase(session.post);
    answer(std::exchange(session.post, RequestId{0}), 400, "", "");
  }
  drop_probe(session);
  if (session.socket != 0) {
    by_socket_.erase(session.socket);
    // A peer that answers no ping would not answer a close frame either.
    reason == CloseReason::ping_timeout ? sink_.terminate(session.socket) : sink_.close(session.socket);
    session.socket = 0;
  }
  handler_.on_close(key, reason, now);
  if (Session* left = find(key)) forget(*left);
}

void EngineServer::forget(Session& session) {
  if (session.poll != 0) by_request_.erase(session.poll);
  if (session.post != 0) by_request_.erase(session.post);
  if (const auto count = sessions_by_ip_.find(session.ip); count != sessions_by_ip_.end() && --count->second == 0)
    sessions_by_ip_.erase(count);
  by_sid_.erase(session.sid);
  sessions_.erase(session.key.value);
}

// --- time -----------------------------------------------------------------------------------------------------------------

void EngineServer::arm(Session& session) {
  const TimePoint next = std::min(
      {session.ping_due, session.pong_due, session.connect_due, session.upgrade_due, session.noop_due, session.close_due});
  if (next >= session.armed) return;
  session.armed = next;
  deadlines_.add(next, session.key.value);
}

void EngineServer::handle_timeout(TimePoint now) {
  const Turn turn(*this);
  while (const auto due = deadlines_.take_due(now)) {
    const SessionKey key{due->second};
    Session* session = find(key);
    if (session == nullptr || session->armed != due->first) continue;
    session->armed = never;
    if (session->close_due <= now) {
      forget(*session);
      continue;
    }
    if (session->pong_due <= now) {
      ++statistics_.ping_timeouts;
      end(*session, CloseReason::ping_timeout, now);
      continue;
    }
    if (session->connect_due <= now) {
      session->connect_due = never;
      close(session->key, CloseReason::forced_close, now);
      if ((session = find(key)) == nullptr) continue;
    }
    if (session->upgrade_due <= now) drop_probe(*session);
    if (session->noop_due <= now) {
      session->noop_due = now + noop_period;
      if (session->poll != 0 && session->queue.empty()) answer_poll(*session, "6");
    }
    if (session->ping_due <= now) {
      session->ping_due = never;
      session->pong_due = now + settings_.ping_timeout;
      session->pong_extended = false;
      send(session->key, ping_text(), false, now);
      if ((session = find(key)) == nullptr) continue;
    }
    arm(*session);
  }
}

}  // namespace sluice::socketio
