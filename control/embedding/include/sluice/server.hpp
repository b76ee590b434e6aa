#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/error.hpp>
#include <sluice/event.hpp>
#include <sluice/peer.hpp>
#include <sluice/room.hpp>

namespace sluice::rooms {

/// Who wants in. `peer` has the metadata of the join already; it is in no room yet.
struct JoinRequest {
  Json peer;  // {id, roomId: null, state, metadata}
  std::string roomId;
  std::string ip;
};

/// What the admission hook says: true, false, or a text: refused for that reason.
struct JoinAnswer {
  bool allow = true;
  std::string reason = {};
  Json metadata = nullptr;  // merged into the peer's before anybody sees it; null removes a key

  JoinAnswer(bool admitted) : allow(admitted) {}                                 // NOLINT: by design
  JoinAnswer(std::string refusal) : allow(false), reason(std::move(refusal)) {}  // NOLINT: by design
  JoinAnswer(const char* refusal) : allow(false), reason(refusal) {}             // NOLINT: by design
  JoinAnswer(bool admitted, Json edits) : allow(admitted), metadata(std::move(edits)) {}
};
/// An exception refuses the join with AUTH_ERROR and its message.
using BeforeJoin = std::function<JoinAnswer(const JoinRequest&)>;

struct TurnServers {
  std::string secret;
  std::vector<std::string> urls;
  std::optional<std::int64_t> ttl = {};  // s
};

/// Contract section 1; times in ms. What is not set has the server's default.
struct ServerOptions {
  std::optional<std::uint16_t> port = {};  // 0: any free one
  std::optional<std::uint32_t> maxPeersPerRoom = {};
  std::optional<bool> autoCreateRooms = {};
  std::optional<bool> autoDestroyRooms = {};
  std::optional<std::int64_t> pingInterval = {};
  std::optional<std::int64_t> reconnectTtl = {};
  BeforeJoin beforeJoin = {};
  std::optional<std::string> apiSecret = {};
  std::optional<TurnServers> turn = {};
  std::optional<std::uint64_t> maxMessageSize = {};
  std::optional<bool> trustProxy = {};

  // --- beyond the contract
  std::optional<std::string> host = {};  // that is listened on
  /// Of a running server, or where one that is started is to have it. Empty: one of its own, which ends with this program.
  std::string controlSocket = {};
  /// The program `sluice`. Empty: SLUICE_PROGRAM of the environment, else the installed one, else the one in PATH.
  std::string program = {};
  /// Any other option of docs/configuration.md, as a tree: {{"media", {{"port", 41000}}}}.
  Json configuration = Json::object();
  /// Where the server's log goes. Empty: standard error.
  std::string logFile = {};
  std::chrono::milliseconds startLimit = std::chrono::seconds(30);
  std::chrono::milliseconds callLimit = std::chrono::seconds(10);
};

struct RoomOptions {
  Json metadata = Json::object();
  std::optional<std::uint32_t> maxPeers = {};
};

/// What stats() tells.
struct ServerStats {
  std::size_t rooms = 0;
  std::size_t peers = 0;
  Json roomList;  // [summary]
};

/// A signaling and media server: `sluice serve`, driven over its control socket. The server is other processes; this object
/// starts them or finds them running, and follows them. See docs/embedding.md for threads, errors and lifetimes.
class SLUICE_API SignalingServer {
 public:
  /// Nothing is started: attach modules, then listen().
  explicit SignalingServer(ServerOptions options = {});
  /// Lets go of the server: one with a control socket by name runs on, one without ends. Not from inside a callback.
  ~SignalingServer();
  SignalingServer(SignalingServer&&) noexcept;
  SignalingServer& operator=(SignalingServer&&) noexcept;
  SignalingServer(const SignalingServer&) = delete;
  SignalingServer& operator=(const SignalingServer&) = delete;

  /// Connects to the server at `controlSocket`, or starts one; returns when joins are accepted. Again: nothing. Error:
  /// start_failed.
  void listen();
  /// Where signaling listens; 0 before listen().
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string controlSocket() const;

  /// Makes a room; an existing one is returned unchanged. Without an id it gets a UUID. Error: invalid_params.
  Room createRoom(const std::optional<std::string>& id = std::nullopt, const RoomOptions& options = {});
  [[nodiscard]] std::optional<Room> getRoom(const std::string& id) const;
  [[nodiscard]] std::optional<Peer> getPeer(const std::string& id) const;
  /// By id.
  [[nodiscard]] std::vector<Room> rooms() const;
  /// All connected and held ones.
  [[nodiscard]] std::vector<Peer> peers() const;
  /// The peer gets `kicked {reason}` and close 1008. One that has gone: nothing.
  void kick(const Peer& peer, const std::string& reason = "Kicked by server");
  void kick(const std::string& peerId, const std::string& reason = "Kicked by server");
  [[nodiscard]] ServerStats stats() const;
  /// Everybody gets close 1001, then the server stops; returns when it has. Calls fail with `closed` from then on.
  void close();

  /// Sets the admission hook (contract section 5), or takes it away (nullptr). It answers within 5 s.
  void beforeJoin(BeforeJoin hook);
  /// Answers any other hook of docs/api.md: `geoLookup`, `onThreat`, `sink` ... nullptr takes it away.
  void answer(const std::string& hook, std::function<Json(const Json& request)> handler);

  /// `listening` (const Event&: {port}), `peer:connected` (const Peer&), `peer:joined`, `peer:left`, `peer:reconnected`
  /// (const Peer&, const Room&), `room:created`, `room:destroyed` (const Room&), `join:rejected` (const Peer&, reason), or
  /// any event of docs/api.md by const Event&. Also `connection:lost` and `connection:restored` of the control socket, and
  /// `error` ({message}): a handler threw.
  template <typename Function>
  Listener on(const std::string& event, Function function) {
    return listen_to(event, detail::handler_of(std::move(function)));
  }

  /// Any operation of docs/api.md, by name. Error: as ErrorCode says.
  Json call(const std::string& method, const Json& params = Json::object()) const;

 private:
  friend class Module;
  friend class ConfigManager;
  friend class FeatureFlags;
  friend class SFUInterface;
  static Json ask(const std::shared_ptr<detail::ServerState>& state, const std::string& method, Json params);
  Listener listen_to(const std::string& event, detail::Handler handler);
  std::shared_ptr<detail::ServerState> state_;
};

using Server = SignalingServer;

/// A server that listens already.
[[nodiscard]] SLUICE_API SignalingServer createServer(ServerOptions options = {});

}  // namespace sluice::rooms
