#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "control/rooms/broadcast_recorder.hpp"
#include "control/rooms/rooms.hpp"
#include "control/sessions/sessions.hpp"
#include "control/signaling/connections/connection_sink.hpp"

namespace sluice {

inline constexpr std::string_view native_dialect_name = "native";

/// Cuts `text` to what a close frame may carry (123 bytes, RFC 6455 section 5.5), at a character boundary.
[[nodiscard]] std::string_view close_frame_reason(std::string_view text) noexcept;

/// Messages to peers, wherever they are: on their connection, in the queue of a held peer, or nowhere. Peers of other
/// dialects are skipped: they get the same facts from their own. Texts are serialised once and shared.
class Outbox {
 public:
  Outbox(const Rooms& rooms, Sessions& sessions, ConnectionSink& sink) : rooms_(rooms), sessions_(sessions), sink_(sink) {}

  /// Broadcasts pass through it first; borrowed for life.
  void set_recorder(BroadcastRecorder& recorder) { recorder_ = &recorder; }

  void send(const PeerId& peer, std::string message);
  void send(const PeerId& peer, const SharedText& message);
  /// To all members of a room except some.
  void broadcast(const RoomId& room, std::string message, std::span<const PeerId> except = {});
  void broadcast(const RoomId& room, std::string message, const PeerId& except) {
    broadcast(room, std::move(message), {&except, 1});
  }

  [[nodiscard]] std::optional<ConnectionId> connection_of(const PeerId& peer) const;
  void bind(const PeerId& peer, ConnectionId connection) { connections_[peer] = connection; }
  void unbind(const PeerId& peer) { connections_.erase(peer); }

 private:
  const Rooms& rooms_;
  Sessions& sessions_;
  ConnectionSink& sink_;
  BroadcastRecorder* recorder_ = nullptr;
  std::unordered_map<PeerId, ConnectionId> connections_;
};

}  // namespace sluice
