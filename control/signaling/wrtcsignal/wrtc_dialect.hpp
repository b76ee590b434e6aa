#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "control/json/json_view.hpp"
#include "control/signaling/socketio/memberships.hpp"
#include "control/signaling/socketio/socket_server.hpp"
#include "control/signaling/wrtcsignal/wrtc_tokens.hpp"

namespace sluice {

inline constexpr std::string_view wrtc_dialect_name = "wrtcSignal";

struct WrtcOptions {
  std::chrono::seconds token_lifetime{86'400};
  bool legacy_silent_reject = false;  // a bad token at CONNECT gets no answer, as from the reference
  /// What a request to join a room gets whose owner has left.
  enum class Ownerless : std::uint8_t { silent, promote_oldest, reject } ownerless = Ownerless::silent;
  std::size_t room_bytes_max = 256;
  std::size_t members_per_room_max = 256;
  std::size_t rooms_per_socket_max = 32;  // more are not created or entered
  std::size_t peerinfo_bytes_max = 16 * 1024;
};

struct WrtcStatistics {
  std::uint64_t tokens_refused = 0;  // at CONNECT and by auth-request
  std::uint64_t unauthorized = 0;
  std::uint64_t relayed = 0;
  std::uint64_t dropped = 0;  // no such peer
};

/// The wrtc-signal dialect (contract wrtc-signal.md sections 4 to 7) on Socket.IO: rooms with owners who let others in, and
/// the relay of descriptions and candidates.
///
/// Several instances: who is in a room is asked of `Endpoint::rooms` (create, ask, enter), events reach sockets by deliver()
/// and SocketServer::broadcast(), and admit() performs a join where the candidate is. Those three are where a bus would join
/// in (section 8). One instance is what is built.
class WrtcDialect final : public socketio::Application {
 public:
  /// Unix seconds of the loop's time.
  using UnixSeconds = std::function<std::int64_t(TimePoint)>;

  /// All borrowed for life; `endpoint` is this application's and has no recovery.
  WrtcDialect(socketio::SocketServer& server, socketio::Endpoint& endpoint, Rooms& rooms, Bus& bus, Entropy& entropy,
              const WrtcTokens& tokens, socketio::Memberships::RoomIdOf room_id, UnixSeconds unix_seconds,
              WrtcOptions options = {});

  [[nodiscard]] std::optional<std::string> turn_away(const socketio::ConnectRequest& request, TimePoint now) override {
    return memberships_.refuse_connection(request.ip, now);
  }
  socketio::ConnectDecision connect(const socketio::ConnectRequest& request, TimePoint now) override;
  void on_connect(socketio::SocketKey socket, const socketio::ConnectRequest& request, TimePoint now) override;
  void on_recover(socketio::SocketKey, const socketio::ConnectRequest&, std::string_view, TimePoint) override {}
  void on_event(socketio::SocketKey socket, const socketio::Event& event, TimePoint now) override;
  void on_disconnecting(socketio::SocketKey socket, socketio::DisconnectReason reason, TimePoint now) override;
  [[nodiscard]] std::string save(socketio::SocketKey) const override { return {}; }

  void set_guard(MessageGuard& guard) { memberships_.set_guard(guard); }
  /// What admission wants to see, from the auth of the CONNECT.
  void set_token_keys(std::vector<socketio::Memberships::TokenKey> keys) { memberships_.set_token_keys(std::move(keys)); }
  [[nodiscard]] const WrtcStatistics& statistics() const noexcept { return statistics_; }

 private:
  /// A JSON value with the binary values that it may hold, kept beyond its packet.
  struct Kept {
    std::string json;
    socketio::Attachments attachments;
  };
  struct Said;  // one event's fields

  void authenticate(socketio::SocketKey socket, const Said& said, TimePoint now);
  void create(socketio::SocketKey socket, const Said& said, TimePoint now);
  void ask(socketio::SocketKey socket, const Said& said, TimePoint now);
  void accept(socketio::SocketKey socket, const Said& said, TimePoint now);
  void admit(socketio::SocketKey candidate, const std::string& room, const std::optional<Kept>& payload, TimePoint now);
  void enter(socketio::SocketKey candidate, const std::string& room, const std::optional<Kept>& payload, TimePoint now);
  void reject(socketio::SocketKey socket, const Said& said, TimePoint now);
  void relay(socketio::SocketKey socket, const Said& said, std::string_view event, std::string_view content, TimePoint now);
  [[nodiscard]] bool is_owner(socketio::SocketKey socket, const std::string& room) const;
  void promote_oldest(const std::string& room);
  void deliver(socketio::SocketKey socket, const socketio::EventText& event, TimePoint now) {
    server_.emit(socket, event, now);
  }
  [[nodiscard]] const Kept* peerinfo(socketio::SocketKey socket) const;

  socketio::SocketServer& server_;
  socketio::Endpoint& endpoint_;
  Entropy& entropy_;
  const WrtcTokens& tokens_;
  UnixSeconds unix_seconds_;
  WrtcOptions options_;
  TimePoint now_{};
  socketio::Memberships memberships_;
  std::unordered_map<socketio::SocketKey, Kept> peerinfos_;
  /// Owners of rooms that have members; kept apart from the rooms, so no name reaches them.
  std::unordered_map<std::string, std::unordered_set<socketio::SocketKey>> owners_;
  std::unordered_set<std::string> taken_;  // rooms whose creator the core has not admitted yet
  WrtcStatistics statistics_;
};

}  // namespace sluice
