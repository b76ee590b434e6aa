#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/signaling/socketio/engine_server.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace sluice::socketio {

using namespace std::chrono_literals;

/// What went out, by request and by WebSocket.
class RecordingSink final : public EngineSink {
 public:
  void answer(RequestId request, EngineResponse response) override { answers.emplace(request, std::move(response)); }
  void send(SocketId socket, const SharedText& data, bool binary) override {
    sent[socket].push_back(binary ? "<" + *data + ">" : *data);
  }
  void close(SocketId socket) override { closed.insert(socket); }
  void terminate(SocketId socket) override { terminated.insert(socket); }

  std::map<RequestId, EngineResponse> answers;
  std::map<SocketId, std::vector<std::string>> sent;
  std::set<SocketId> closed;
  std::set<SocketId> terminated;
};

/// Says everything that the layer above is told in one list, and echoes when asked to.
class RecordingHandler final : public EngineHandler {
 public:
  void on_open(SessionKey session, std::string_view, std::uint8_t, TimePoint) override { opened.push_back(session); }
  void on_message(SessionKey session, std::string_view data, bool binary, TimePoint now) override {
    messages.push_back(binary ? "<" + std::string(data) + ">" : std::string(data));
    if (echo == nullptr) return;
    echo->send(session, std::make_shared<const std::string>(binary ? std::string(data) : "4" + std::string(data)), binary,
               now);
  }
  void on_close(SessionKey, CloseReason reason, TimePoint) override { closes.emplace_back(to_string(reason)); }

  EngineServer* echo = nullptr;
  std::vector<SessionKey> opened;
  std::vector<std::string> messages;
  std::vector<std::string> closes;
};

/// Clients of an EngineServer. Time stands still unless advance() is called.
class EngineClient {
 public:
  EngineClient(EngineServer& engine, RecordingSink& sink) : engine_(engine), sink_(sink) {}

  RequestId request(EngineRequest::Method method, std::string query, std::string content_type = "", std::string origin = "",
                    std::string requested_headers = "", std::string ip = "127.0.0.1") {
    const RequestId id = ++last_;
    engine_.http_begin(id, {method, query, content_type, origin, ip, requested_headers, 0}, now);
    return id;
  }
  RequestId get(const std::string& query) { return request(EngineRequest::Method::get, query); }
  RequestId post(const std::string& query, std::string_view body, std::string content_type = "text/plain;charset=UTF-8") {
    const RequestId id = request(EngineRequest::Method::post, query, std::move(content_type));
    if (!answered(id)) engine_.post_body(id, body, now);
    return id;
  }
  [[nodiscard]] bool answered(RequestId id) const { return sink_.answers.contains(id); }
  /// Status and body; "pending" when there is no answer.
  [[nodiscard]] std::string reply(RequestId id) const {
    const auto found = sink_.answers.find(id);
    return found == sink_.answers.end() ? "pending" : std::to_string(found->second.status) + " " + found->second.body;
  }
  std::optional<std::string> header(RequestId id, std::string_view name) const {
    for (const auto& [key, value] : sink_.answers.at(id).headers) {
      if (key == name) return value;
    }
    return std::nullopt;
  }

  /// A polling session's sid.
  std::string handshake() { return sid_of(sink_.answers.at(get("EIO=4&transport=polling")).body); }
  static std::string sid_of(const std::string& open) {
    const std::size_t at = open.find("\"sid\":\"") + 7;
    return open.substr(at, open.find('"', at) - at);
  }
  static std::string polling(const std::string& sid) { return "EIO=4&transport=polling&sid=" + sid; }
  static std::string websocket(const std::string& sid) { return "EIO=4&transport=websocket&sid=" + sid; }

  std::optional<EngineError> upgrade(const std::string& query) {
    return engine_.check_upgrade({EngineRequest::Method::get, query, "", "", "127.0.0.1", "", 0});
  }
  SocketId open(const std::string& query = "EIO=4&transport=websocket") {
    const SocketId id = ++last_;
    engine_.ws_open(id, {EngineRequest::Method::get, query, "", "", "127.0.0.1", "", 0}, now);
    return id;
  }
  void say(SocketId socket, std::string_view text) { engine_.ws_message(socket, text, false, now); }
  void say_binary(SocketId socket, std::string_view bytes) { engine_.ws_message(socket, bytes, true, now); }
  [[nodiscard]] bool is_gone(SocketId socket) const {
    return sink_.closed.contains(socket) || sink_.terminated.contains(socket);
  }
  /// What the socket got since the last call.
  std::vector<std::string> got(SocketId socket) { return std::exchange(sink_.sent[socket], {}); }

  /// Lets time pass, deadline by deadline.
  void advance(Duration time) {
    const TimePoint end = now + time;
    while (engine_.next_deadline() <= end) {
      now = std::max(now, engine_.next_deadline());
      engine_.handle_timeout(now);
    }
    now = end;
  }
  void lose(RequestId id) { engine_.http_lost(id, now); }
  void drop(SocketId socket) { engine_.ws_close(socket, now); }

  TimePoint now{1h};

 private:
  EngineServer& engine_;
  RecordingSink& sink_;
  std::uint64_t last_ = 0;
};

}  // namespace sluice::socketio
