#pragma once

#include <string>
#include <vector>

#include "control/signaling/socketio/socket_server.hpp"
#include "tests/control/signaling/socketio/engine_harness.hpp"

namespace sluice::socketio {

using Texts = std::vector<std::string>;

/// The text of a JSON string member; empty when there is none.
inline std::string member_of(const std::string& text, const std::string& key) {
  const std::size_t at = text.find("\"" + key + "\":\"");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size() + 4;
  return text.substr(begin, text.find('"', begin) - begin);
}

/// One dialect on a whole stack of Engine.IO, Socket.IO and room core; clients are WebSockets.
class SocketWorld {
 public:
  SocketWorld() { server.attach(engine); }

  struct Client {
    SocketId socket = 0;
    std::string id;   // socket id
    std::string pid;  // with recovery
    std::string reply;
  };
  Client connect(const std::string& auth = "") {
    Client joined;
    joined.socket = wire.open();
    wire.got(joined.socket);
    wire.say(joined.socket, "40" + auth);
    const Texts sent = wire.got(joined.socket);
    joined.reply = sent.empty() ? "" : sent.front();
    joined.id = member_of(joined.reply, "sid");
    joined.pid = member_of(joined.reply, "pid");
    for (std::size_t i = 1; i < sent.size(); ++i) sink.sent[joined.socket].push_back(sent[i]);
    return joined;
  }
  /// `["name",...]` as the client emits it.
  void emit(const Client& client, const std::string& event) { wire.say(client.socket, "42" + event); }
  /// Events since the last call, without the leading 42, and without the offset that recovery appends.
  Texts got(const Client& client) {
    Texts events;
    for (std::string text : wire.got(client.socket)) {
      if (text.starts_with("42")) text = text.substr(2);
      if (endpoint.recovery != nullptr && text.starts_with("[")) {
        last_offset = text.substr(text.rfind('"', text.size() - 3) + 1, 8);
        text = text.substr(0, text.size() - 12) + "]";
      }
      events.push_back(text);
    }
    return events;
  }

  test::SeededEntropy entropy;
  RecordingSink sink;
  Bus bus;
  Rooms rooms{bus, entropy, {}, [](TimePoint) { return std::int64_t{0}; }};
  Endpoint endpoint;
  SocketServer server{
      [this](std::string_view name, const JsonView&, std::uint8_t) { return name == "/" ? &endpoint : nullptr; }, entropy};
  EngineServer engine{EngineSettings{}, server, sink, entropy};
  EngineClient wire{engine, sink};
  std::string last_offset;
};

}  // namespace sluice::socketio
