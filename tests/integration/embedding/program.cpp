// An operator's program for tests/browser/embedding.test.mjs: says what its handlers are told as lines of JSON, does what
// lines of JSON on its standard input ask.
#include <sluice/sluice.hpp>

#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <string>

using namespace sluice::rooms;

namespace {

std::mutex output;
void say(const Json& line) {
  const std::lock_guard lock(output);
  std::cout << line.dump() << std::endl;
}
Json optional_text(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}

void follow_room(const Room& room) {
  const std::string id = room.id();
  for (const char* name : {"peer:joined", "peer:left", "peer:reconnected"}) {
    room.on(name, [name, id](const Peer& peer) { say({{"room", id}, {"on", name}, {"peer", peer.id()}}); });
  }
  room.on("peer:updated", [id](const Peer& peer, const Json& patch) {
    say({{"room", id}, {"on", "peer:updated"}, {"peer", peer.id()}, {"patch", patch}});
  });
  for (const char* name : {"data", "offer", "answer", "ice-candidate"}) {
    room.on(name, [name, id](const std::string& from, const std::optional<std::string>& to, const Json& body) {
      say({{"room", id}, {"on", name}, {"from", from}, {"to", optional_text(to)}, {"body", body}});
    });
  }
}

void follow_peer(const Peer& peer) {
  const std::string id = peer.id();
  peer.on("signal", [id](const Event& event) { say({{"peer", id}, {"on", "signal"}, {"type", event.data.at("type")}}); });
  peer.on("disconnect", [id] { say({{"peer", id}, {"on", "disconnect"}}); });
  peer.on("reconnected", [id] { say({{"peer", id}, {"on", "reconnected"}}); });
  peer.on("error", [id](const Event& event) {
    say({{"peer", id}, {"on", "error"}, {"reason", event.data.value("reason", "")}});
  });
}

Json describe(const Room& room) {
  Json peers = Json::array();
  for (const Peer& peer : room.peers()) peers.push_back(peer.id());
  return {{"id", room.id()},
          {"metadata", room.metadata()},
          {"maxPeers", room.maxPeers()},
          {"createdAt", room.createdAt()},
          {"peers", std::move(peers)},
          {"size", room.size()},
          {"isEmpty", room.isEmpty()},
          {"state", room.getState()},
          {"json", room.toJSON()}};
}

Json describe(const Peer& peer) {
  return {{"id", peer.id()},
          {"state", peer.state()},
          {"metadata", peer.metadata()},
          {"roomId", optional_text(peer.roomId())},
          {"isActive", peer.isActive()},
          {"connectedAt", peer.connectedAt()},
          {"reconnectToken", optional_text(peer.reconnectToken())},
          {"json", peer.toJSON()}};
}

using Action = std::function<Json(SignalingServer&, const Json&)>;

Room room_of(SignalingServer& server, const Json& ask) {
  return server.getRoom(ask.at("room")).value();
}
Peer peer_of(SignalingServer& server, const Json& ask) {
  return server.getPeer(ask.at("peer")).value();
}

const std::map<std::string, Action> actions{
    {"createRoom",
     [](SignalingServer& server, const Json& ask) {
       RoomOptions options{.metadata = ask.value("metadata", Json::object())};
       if (ask.contains("maxPeers")) options.maxPeers = ask.at("maxPeers").get<std::uint32_t>();
       return describe(server.createRoom(
           ask.contains("room") ? std::optional(ask.at("room").get<std::string>()) : std::nullopt, options));
     }},
    {"room", [](SignalingServer& server, const Json& ask) { return describe(room_of(server, ask)); }},
    {"hasRoom", [](SignalingServer& server, const Json& ask) { return Json(server.getRoom(ask.at("room")).has_value()); }},
    {"peer", [](SignalingServer& server, const Json& ask) { return describe(peer_of(server, ask)); }},
    {"counts",
     [](SignalingServer& server, const Json&) {
       return Json{{"rooms", server.rooms().size()}, {"peers", server.peers().size()}};
     }},
    {"stats",
     [](SignalingServer& server, const Json&) {
       const ServerStats stats = server.stats();
       return Json{{"rooms", stats.rooms}, {"peers", stats.peers}, {"roomList", stats.roomList}};
     }},
    {"kick",
     [](SignalingServer& server, const Json& ask) {
       ask.contains("reason") ? server.kick(ask.at("peer").get<std::string>(), ask.at("reason"))
                              : server.kick(peer_of(server, ask));
       return Json(true);
     }},
    {"broadcast",
     [](SignalingServer& server, const Json& ask) {
       room_of(server, ask).broadcast(ask.at("message"), {.exclude = ask.value("exclude", std::vector<std::string>())});
       return Json(true);
     }},
    {"roomMetadata",
     [](SignalingServer& server, const Json& ask) { return room_of(server, ask).setMetadata(ask.at("patch")), Json(true); }},
    {"peerMetadata",
     [](SignalingServer& server, const Json& ask) { return peer_of(server, ask).setMetadata(ask.at("patch")); }},
    {"send",
     [](SignalingServer& server, const Json& ask) { return peer_of(server, ask).send(ask.at("message")), Json(true); }},
    {"closePeer",
     [](SignalingServer& server, const Json& ask) {
       peer_of(server, ask).close(ask.value("code", std::uint16_t{1000}), ask.value("reason", std::string()));
       return Json(true);
     }},
    {"addPeer", [](SignalingServer& server,
                   const Json& ask) { return room_of(server, ask).addPeer(peer_of(server, ask)), Json(true); }},
    {"removePeer",
     [](SignalingServer& server, const Json& ask) { return room_of(server, ask).removePeer(ask.at("peer")), Json(true); }},
    {"call", [](SignalingServer& server,
                const Json& ask) { return server.call(ask.at("method"), ask.value("params", Json::object())); }},
    {"noHook", [](SignalingServer& server, const Json&) { return server.beforeJoin(nullptr), Json(true); }},
};

}  // namespace

int main(int argc, char** argv) try {
  const Json given = Json::parse(argc > 1 ? argv[1] : "{}");
  ServerOptions options;
  options.port = 0;
  options.maxPeersPerRoom = 7;
  options.reconnectTtl = given.value("reconnectTtl", 15000);
  options.controlSocket = given.value("controlSocket", "");
  options.logFile = given.value("logFile", "");
  options.configuration = given.value("configuration", Json::object());
  options.beforeJoin = [](const JoinRequest& request) -> JoinAnswer {
    const std::string name = request.peer.at("metadata").value("displayName", "");
    if (name == "Mallory") return "Not you";
    if (name == "Nobody") return false;
    if (name == "Trouble") throw std::runtime_error("The list of guests is lost");
    return {true, {{"seenBy", request.roomId}, {"secret", nullptr}}};
  };
  SignalingServer server(std::move(options));
  server.on("listening", [](const Event& event) { say({{"on", "listening"}, {"port", event.data.at("port")}}); });
  server.on("peer:connected", [](const Peer& peer) {
    follow_peer(peer);
    say({{"on", "peer:connected"}, {"peer", peer.id()}});
  });
  for (const char* name : {"peer:joined", "peer:left", "peer:reconnected"}) {
    server.on(name, [name](const Peer& peer, const Room& room) {
      say({{"on", name}, {"peer", peer.id()}, {"room", room.id()}, {"state", peer.state()}, {"metadata", peer.metadata()}});
    });
  }
  server.on("room:created", [](const Room& room) {
    follow_room(room);
    say({{"on", "room:created"}, {"room", room.id()}});
  });
  server.on("room:destroyed", [](const Room& room) { say({{"on", "room:destroyed"}, {"room", room.id()}}); });
  server.on("join:rejected", [](const Peer& peer, const std::string& reason) {
    say({{"on", "join:rejected"}, {"peer", peer.id()}, {"reason", reason}});
  });
  for (const char* name : {"connection:lost", "connection:restored", "error"}) {
    server.on(name, [name](const Event& event) { say({{"on", name}, {"data", event.data}}); });
  }
  server.on("peer:joined", [](const Peer& peer, const Room&) {
    if (peer.metadata().value("displayName", "") == "Clumsy") throw std::runtime_error("dropped it");
  });
  server.listen();
  server.listen();  // again: nothing
  say({{"ready", true}, {"port", server.port()}, {"controlSocket", server.controlSocket()}});
  for (std::string line; std::getline(std::cin, line);) {
    const Json ask = Json::parse(line);
    const std::string what = ask.at("do");
    try {
      if (what == "close") {
        server.close();
        say({{"did", ask.at("n")}, {"result", true}});
        continue;
      }
      say({{"did", ask.at("n")}, {"result", actions.at(what)(server, ask)}});
    } catch (const Error& error) {
      say({{"did", ask.at("n")}, {"error", static_cast<int>(error.code())}, {"message", error.what()}});
    }
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
