#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/signaling/socketio/deadline_heap.hpp"
#include "control/signaling/socketio/engine_packet.hpp"
#include "control/signaling/socketio/engine_request.hpp"
#include "shm/types/entropy.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/time.hpp"

namespace sluice::socketio {

using SharedText = std::shared_ptr<const std::string>;

/// One Engine.IO session inside this process; never reused. The sid on the wire is another, secret name for it.
using SessionKey = Id<struct EngineSessionTag, std::uint64_t>;
/// An HTTP request that waits for its answer, and a WebSocket: named by the edge, never 0, never reused.
using RequestId = std::uint64_t;
using SocketId = std::uint64_t;

/// Contract section 1.
struct EngineSettings {
  std::chrono::milliseconds ping_interval{25'000};
  std::chrono::milliseconds ping_timeout{20'000};
  std::chrono::milliseconds upgrade_timeout{10'000};
  std::chrono::milliseconds connect_timeout{45'000};  // 0: sessions need not be established()
  std::chrono::milliseconds poll_close_timeout{30'000};
  std::size_t payload_bytes_max = 1'000'000;
  bool cors = true;  // any origin
  bool polling = true;
  bool websocket = true;
  // Beyond the reference (section 11).
  std::size_t queue_bytes_max = 16'000'000;  // of one session that polls; more closes it
  std::size_t queue_packets_max = 65'536;
  std::uint32_t sessions_per_ip_max = 1024;  // loopback is exempt
  std::size_t sessions_max = 100'000;
};

/// Why a session ended, as the upper layer and clients name it (section 5.5).
enum class CloseReason : std::uint8_t {
  transport_close,
  transport_error,
  parse_error,
  ping_timeout,
  forced_close,
  server_shutting_down
};
[[nodiscard]] std::string_view to_string(CloseReason reason) noexcept;

/// The layer above: Socket.IO, or the bare echo of the conformance mode. It may call back into the EngineServer.
class EngineHandler {
 public:
  virtual ~EngineHandler() = default;
  virtual void on_open(SessionKey session, std::string_view ip, std::uint8_t entrance, TimePoint now) = 0;
  /// One message, borrowed for the call.
  virtual void on_message(SessionKey session, std::string_view data, bool binary, TimePoint now) = 0;
  /// Exactly once, after which nothing is sent to the session.
  virtual void on_close(SessionKey session, CloseReason reason, TimePoint now) = 0;
};

/// The layer below: HTTP and WebSocket. Must not call back before it returns.
class EngineSink {
 public:
  virtual ~EngineSink() = default;
  virtual void answer(RequestId request, EngineResponse response) = 0;
  virtual void send(SocketId socket, const SharedText& data, bool binary) = 0;
  /// Sends what is queued, then a close frame.
  virtual void close(SocketId socket) = 0;
  /// Drops the connection.
  virtual void terminate(SocketId socket) = 0;
};

struct EngineStatistics {
  std::uint64_t sessions_opened = 0;
  std::uint64_t upgrades = 0;
  std::uint64_t refused = 0;  // handshakes answered by an error
  std::uint64_t protocol_errors = 0;
  std::uint64_t ping_timeouts = 0;
  std::uint64_t queues_overflowed = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
};

/// All Engine.IO v4 sessions of one endpoint (contract socketio.md sections 2 to 6): requests, WebSocket messages and time
/// come in; answers, messages and closes go out; next_deadline() says when handle_timeout() is due.
class EngineServer {
 public:
  /// All borrowed for life.
  EngineServer(EngineSettings settings, EngineHandler& handler, EngineSink& sink, Entropy& entropy);
  EngineServer(const EngineServer&) = delete;
  EngineServer& operator=(const EngineServer&) = delete;

  // --- plain HTTP. A request is begun with its head; POST bodies follow by post_body(), all others are handled at once.
  void http_begin(RequestId id, const EngineRequest& request, TimePoint now);
  void post_body(RequestId id, std::string_view body, TimePoint now);
  /// The body is above the limit: 413, the session lives.
  void post_too_large(RequestId id);
  /// The client dropped the connection before the answer.
  void http_lost(RequestId id, TimePoint now);

  // --- WebSocket
  /// Why an upgrade is to be refused; nothing when it is welcome.
  [[nodiscard]] std::optional<EngineError> check_upgrade(const EngineRequest& request);
  void ws_open(SocketId socket, const EngineRequest& request, TimePoint now);
  void ws_message(SocketId socket, std::string_view data, bool binary, TimePoint now);
  void ws_close(SocketId socket, TimePoint now);

  // --- the layer above
  /// Queues a message. `data` begins with the packet's type digit unless it is binary (so that one text serves all
  /// receivers).
  void send(SessionKey session, const SharedText& data, bool binary, TimePoint now);
  /// Closes in order: what is queued still goes out.
  void close(SessionKey session, CloseReason reason, TimePoint now);
  /// Ends the connectTimeout of a session.
  void established(SessionKey session);
  /// Closes all sessions and refuses new ones.
  void shut_down(TimePoint now);

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept { return deadlines_.next(); }
  [[nodiscard]] std::size_t session_count() const noexcept { return sessions_.size(); }
  [[nodiscard]] const EngineSettings& settings() const noexcept { return settings_; }
  [[nodiscard]] const EngineStatistics& statistics() const noexcept { return statistics_; }

 private:
  struct Frame {
    SharedText data;
    bool binary = false;
  };
  struct Session {
    SessionKey key;
    std::string sid;
    std::string ip;
    SocketId socket = 0;   // 0: polling
    SocketId probe = 0;    // a WebSocket that wants to take over
    RequestId poll = 0;    // the pending GET
    RequestId post = 0;    // the POST whose body is awaited
    bool probed = false;   // the probe was answered
    bool closing = false;  // closed above; the next poll learns of it
    bool pong_extended = false;
    bool dirty = false;  // has frames for a pending poll
    std::size_t queue_bytes = 0;
    std::vector<Frame> queue;
    TimePoint ping_due = never;
    TimePoint pong_due = never;
    TimePoint connect_due = never;
    TimePoint upgrade_due = never;
    TimePoint noop_due = never;
    TimePoint close_due = never;
    TimePoint armed = never;  // the earliest entry of the heap
  };
  /// Answers polls when the outermost call ends, so that all that one call caused goes out in one response.
  class Turn;

  Session* find(SessionKey key);
  Session* by_sid(const std::string& sid);
  std::optional<EngineError> check(const EngineRequest& request, const EngineQuery& query, bool upgrade);
  Session& open_session(std::string_view ip, TimePoint now);
  [[nodiscard]] std::string open_packet(const Session& session, bool upgrades) const;
  void poll(Session& session, RequestId id, TimePoint now);
  void begin_post(Session& session, RequestId id, const EngineRequest& request, TimePoint now);
  /// False: the session has gone.
  bool packet(SessionKey key, const EnginePacket& packet, TimePoint now);
  void probe_message(Session& session, std::string_view data, bool binary, TimePoint now);
  void take_over(Session& session, TimePoint now);
  void drop_probe(Session& session);
  void answer(RequestId id, int status, std::string content_type, std::string body);
  void answer_poll(Session& session, std::string_view last = {});
  void violated(Session& session, TimePoint now);
  /// Tells the layer above and forgets the session.
  void end(Session& session, CloseReason reason, TimePoint now);
  void forget(Session& session);
  void arm(Session& session);
  void mark(Session& session);

  EngineSettings settings_;
  EngineHandler& handler_;
  EngineSink& sink_;
  Entropy& entropy_;
  std::unordered_map<std::uint64_t, Session> sessions_;
  std::unordered_map<std::string_view, SessionKey> by_sid_;  // names lie in the sessions
  std::unordered_map<SocketId, SessionKey> by_socket_;       // transports and probes
  std::unordered_map<RequestId, SessionKey> by_request_;     // pending GETs and POSTs
  std::unordered_map<std::string, std::uint32_t> sessions_by_ip_;
  DeadlineHeap deadlines_;
  std::vector<SessionKey> dirty_;
  unsigned depth_ = 0;
  std::uint64_t last_key_ = 0;
  bool shutting_down_ = false;
  EngineStatistics statistics_;
};

/// 120 random bits as 20 characters of [A-Za-z0-9_-].
[[nodiscard]] std::string random_sid(Entropy& entropy);

}  // namespace sluice::socketio
