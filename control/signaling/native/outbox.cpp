#include "control/signaling/native/outbox.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace sluice {

std::string_view close_frame_reason(std::string_view text) noexcept {
  constexpr std::size_t reason_bytes_max = 123;
  if (text.size() <= reason_bytes_max) return text;
  std::size_t end = reason_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // inside a character
  return text.substr(0, end);
}

std::optional<ConnectionId> Outbox::connection_of(const PeerId& peer) const {
  const auto found = connections_.find(peer);
  if (found == connections_.end()) return std::nullopt;
  return found->second;
}

void Outbox::send(const PeerId& peer, std::string message) {
  send(peer, std::make_shared<const std::string>(std::move(message)));
}

void Outbox::send(const PeerId& peer, const SharedText& message) {
  if (const auto connection = connection_of(peer)) return sink_.send(*connection, message);
  const Peer* found = rooms_.find_peer(peer);
  if (found != nullptr && found->state() == PeerState::reconnecting && found->dialect() == native_dialect_name) {
    sessions_.queue(peer, message);  // a full queue drops the newest, as the contract says
  }
}

void Outbox::broadcast(const RoomId& room, std::string message, std::span<const PeerId> except) {
  if (recorder_ != nullptr) {
    // Recorded even if nobody is there to hear it any more.
    if (auto numbered = recorder_->record(room, message)) message = std::move(*numbered);
  }
  const Room* found = rooms_.find_room(room);
  if (found == nullptr) return;
  const auto shared = std::make_shared<const std::string>(std::move(message));
  for (const PeerId& member : found->members()) {
    if (std::find(except.begin(), except.end(), member) == except.end()) send(member, shared);
  }
}

}  // namespace sluice
