#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "control/json/json_view.hpp"
#include "control/signaling/rtcio/message_budget.hpp"
#include "control/signaling/rtcio/room_password.hpp"
#include "control/signaling/rtcio/rtcio_options.hpp"
#include "control/signaling/socketio/memberships.hpp"
#include "control/signaling/socketio/socket_server.hpp"

namespace sluice {

inline constexpr std::string_view rtcio_dialect_name = "rtcio";

struct RtcioStatistics {
  std::uint64_t relayed = 0;
  std::uint64_t dropped_no_target = 0;
  std::uint64_t dropped_forged = 0;
  std::uint64_t dropped_malformed = 0;
  std::uint64_t dropped_over_limit = 0;
  std::uint64_t dropped_not_allowed = 0;  // application data of who may not send any
  std::uint64_t flooders_disconnected = 0;
};

/// The rtc.io dialect (contract rtcio.md) on Socket.IO: rooms with passwords, the relay of envelopes between sockets, and
/// the events of the public demo server. Media goes from peer to peer.
class RtcioDialect final : public socketio::Application {
 public:
  /// All borrowed for life; `endpoint` is this application's.
  RtcioDialect(socketio::SocketServer& server, socketio::Endpoint& endpoint, Rooms& rooms, Bus& bus,
               socketio::Memberships::RoomIdOf room_id, RtcioOptions options = {});

  [[nodiscard]] std::optional<std::string> turn_away(const socketio::ConnectRequest& request, TimePoint now) override {
    return memberships_.refuse_connection(request.ip, now);
  }
  socketio::ConnectDecision connect(const socketio::ConnectRequest& request, TimePoint now) override;
  void on_connect(socketio::SocketKey socket, const socketio::ConnectRequest& request, TimePoint now) override;
  void on_recover(socketio::SocketKey socket, const socketio::ConnectRequest& request, std::string_view data,
                  TimePoint now) override;
  void on_event(socketio::SocketKey socket, const socketio::Event& event, TimePoint now) override;
  void on_disconnecting(socketio::SocketKey socket, socketio::DisconnectReason reason, TimePoint now) override;
  [[nodiscard]] std::string save(socketio::SocketKey socket) const override;

  void set_guard(MessageGuard& guard) { memberships_.set_guard(guard); }
  /// What admission wants to see, from the auth of the CONNECT or the argument of `join-room`.
  void set_token_keys(std::vector<socketio::Memberships::TokenKey> keys) { memberships_.set_token_keys(std::move(keys)); }
  [[nodiscard]] const RtcioStatistics& statistics() const noexcept { return statistics_; }
  [[nodiscard]] std::size_t room_count() const noexcept { return rooms_.size(); }

 private:
  struct Member {
    std::optional<std::string> name;  // raw JSON, as last sent
    MessageBudget budget;
  };
  struct MediaState {
    bool mic = false;
    bool cam = false;
  };
  struct RoomState {
    RoomPassword password;
    std::unordered_map<socketio::SocketKey, MediaState> media;
  };

  void relay(socketio::SocketKey socket, const socketio::Event& event, TimePoint now);
  void join(socketio::SocketKey socket, const socketio::Event& event, TimePoint now);
  void joined(socketio::SocketKey socket, const std::string& room, const RoomPassword& password, TimePoint now);
  void check(socketio::SocketKey socket, const socketio::Event& event, TimePoint now);
  void pass_on(socketio::SocketKey socket, const socketio::Event& event, TimePoint now);
  void remember_media(socketio::SocketKey socket, const std::string& room, const JsonObject& state);
  /// The reason why a password does not open an occupied room.
  [[nodiscard]] std::optional<std::string_view> refusal(const std::string& room, const RoomPassword& password) const;
  void join_error(socketio::SocketKey socket, std::string_view reason, const std::optional<JsonView>& room_id,
                  TimePoint now);
  void join_error(socketio::SocketKey socket, std::string_view reason, std::string_view room, TimePoint now);
  /// The room that an object names, if it may be the name of one.
  [[nodiscard]] std::optional<std::string> room_of(const std::optional<JsonObject>& object) const;
  [[nodiscard]] std::string user_connected(socketio::SocketKey member) const;
  void tell_left(socketio::SocketKey socket, const std::string& room, TimePoint now);
  bool within_budget(socketio::SocketKey socket, TimePoint now);

  socketio::SocketServer& server_;
  socketio::Endpoint& endpoint_;
  RtcioOptions options_;
  TimePoint now_{};  // of the last call: what facts that arise in it are stamped with
  socketio::Memberships memberships_;
  std::unordered_map<socketio::SocketKey, Member> members_;
  std::unordered_map<std::string, RoomState> rooms_;
  RtcioStatistics statistics_;
};

}  // namespace sluice
