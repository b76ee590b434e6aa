#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/signaling/socketio/application.hpp"
#include "control/signaling/socketio/engine_server.hpp"
#include "control/signaling/socketio/event_text.hpp"
#include "control/signaling/socketio/recovery_store.hpp"
#include "control/signaling/socketio/socket_packet.hpp"
#include "control/signaling/socketio/socket_rooms.hpp"
#include "shm/types/entropy.hpp"

namespace sluice::socketio {

/// An application with its own rooms, ids and recovery: sockets of one never reach those of another.
struct Endpoint {
  Application* application = nullptr;
  SocketRooms rooms;
  std::unordered_map<std::string, SocketKey> by_id;  // sockets that are connected
  std::unique_ptr<RecoveryStore> recovery;           // null: off
};

struct SocketServerLimits {
  SocketPacketLimits packet;
  std::size_t name_spaces_per_session_max = 16;
};

struct SocketServerStatistics {
  std::uint64_t connects = 0;
  std::uint64_t connects_refused = 0;
  std::uint64_t recovered = 0;
  std::uint64_t events_in = 0;
  std::uint64_t events_ignored = 0;
  std::uint64_t violations = 0;  // each closed a session
};

/// Socket.IO v5 on Engine.IO sessions (contract socketio.md sections 7 and 8): packets, namespaces, binary attachments,
/// acknowledgements, rooms, recovery. Which application serves a CONNECT is the owner's choice.
class SocketServer final : public EngineHandler {
 public:
  /// The endpoint for a CONNECT that came by one of the entrances; nullptr: there is no such namespace. The auth is an
  /// object.
  using Chooser = std::function<Endpoint*(std::string_view name_space, const JsonView& auth, std::uint8_t entrance)>;

  /// Entropy is borrowed for life. attach() must follow before anything comes in.
  SocketServer(Chooser chooser, Entropy& entropy, SocketServerLimits limits = {});
  void attach(EngineServer& engine) { engine_ = &engine; }

  // --- for applications
  [[nodiscard]] const std::string& id(SocketKey socket) const;
  [[nodiscard]] std::string_view ip(SocketKey socket) const;
  [[nodiscard]] bool connected(SocketKey socket) const { return sockets_.contains(socket); }
  [[nodiscard]] Endpoint& endpoint(SocketKey socket) { return *sockets_.at(socket)->endpoint; }
  [[nodiscard]] std::optional<SocketKey> find(const Endpoint& endpoint, const std::string& id) const;

  void emit(SocketKey socket, const EventText& event, TimePoint now);
  /// To whoever has the id: a connected socket of the endpoint, or a lost one, which gets it when it recovers. False when
  /// there is neither.
  bool emit_to_id(Endpoint& endpoint, const std::string& id, const EventText& event, TimePoint now);
  /// To all members of a room but one. The text is made once.
  void broadcast(Endpoint& endpoint, std::string_view room, const EventText& event, SocketKey except, TimePoint now);
  void acknowledge(SocketKey socket, std::uint64_t id, const EventText& arguments, TimePoint now);
  /// Puts a socket out of its namespace; its client does not reconnect by itself.
  void disconnect(SocketKey socket, TimePoint now);
  /// Closes the whole connection of a socket.
  void close_connection(SocketKey socket, TimePoint now);

  // --- EngineHandler
  void on_open(SessionKey session, std::string_view ip, std::uint8_t entrance, TimePoint now) override;
  void on_message(SessionKey session, std::string_view data, bool binary, TimePoint now) override;
  void on_close(SessionKey session, CloseReason reason, TimePoint now) override;

  [[nodiscard]] const SocketServerStatistics& statistics() const noexcept { return statistics_; }
  [[nodiscard]] std::size_t socket_count() const noexcept { return sockets_.size(); }

 private:
  struct Socket {
    SocketKey key;
    std::string id;
    std::string pid;  // empty: no recovery
    std::string name_space;
    SessionKey session;
    Endpoint* endpoint = nullptr;
  };
  /// A packet whose binary values have not all come.
  struct Partial {
    std::string text;
    std::size_t expected = 0;
    Attachments attachments;
  };
  struct Client {
    std::string ip;
    std::uint8_t entrance = 0;
    std::vector<Socket*> sockets;
    std::unique_ptr<Partial> partial;
  };

  Socket* find(SocketKey socket);
  static Socket* joined(Client& client, std::string_view name_space);
  void handle(SessionKey session, const SocketPacket& packet, const Attachments& attachments, TimePoint now);
  void connect(SessionKey session, const SocketPacket& packet, TimePoint now);
  bool recover(SessionKey session, Endpoint& endpoint, const ConnectRequest& request, TimePoint now);
  Socket& add_socket(SessionKey session, Endpoint& endpoint, std::string_view name_space, SocketKey key, std::string id);
  void greet(const Socket& socket, TimePoint now);
  void event(Socket& socket, const SocketPacket& packet, const Attachments& attachments, TimePoint now);
  void leave(Socket& socket, DisconnectReason reason, bool recoverable, TimePoint now);
  void violated(SessionKey session, TimePoint now);
  void send(const Socket& socket, const OutPacket& packet, TimePoint now);

  Chooser chooser_;
  Entropy& entropy_;
  SocketServerLimits limits_;
  EngineServer* engine_ = nullptr;
  std::unordered_map<std::uint64_t, Client> clients_;
  std::unordered_map<SocketKey, std::unique_ptr<Socket>> sockets_;
  std::uint64_t last_key_ = 0;
  SocketServerStatistics statistics_;
};

}  // namespace sluice::socketio
