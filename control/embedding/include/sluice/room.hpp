#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sluice/event.hpp>
#include <sluice/peer.hpp>

namespace sluice::rooms {

struct BroadcastOptions {
  std::vector<std::string> exclude = {};  // ids of peers
};

/// A room (contract section 1). A handle as Peer is.
class SLUICE_API Room {
 public:
  [[nodiscard]] std::string id() const;
  [[nodiscard]] Json metadata() const;
  [[nodiscard]] std::size_t maxPeers() const;
  /// Unix milliseconds.
  [[nodiscard]] std::int64_t createdAt() const;
  /// In join order, held ones included.
  [[nodiscard]] std::vector<Peer> peers() const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool isEmpty() const;

  /// Sends every member any message, an object with its `type`. Error: not_found when the room is gone.
  void broadcast(const Json& message, const BroadcastOptions& options = {}) const;
  /// Merges; null is stored. All members get `room:updated`. Error: not_found, invalid_params (too large).
  void setMetadata(const Json& patch) const;
  /// {id, metadata, peers: [snapshot], createdAt}.
  [[nodiscard]] Json getState() const;
  /// Puts a connected peer that is in no room into this one, as if it had asked to join: hooks and policy decide, the client
  /// gets `room:joined`. Error: refused with their reason, not_found.
  void addPeer(const Peer& peer) const;
  /// Takes a member out as if it had said `leave`; its connection stays. Error: not_found when it is no member.
  void removePeer(const std::string& peerId) const;
  /// The summary: {id, peerCount, createdAt, metadata}.
  [[nodiscard]] Json toJSON() const;

  /// `peer:joined`, `peer:left`, `peer:reconnected` (const Peer&), `peer:updated` (const Peer&, const Json& patch), `data`,
  /// `offer`, `answer`, `ice-candidate` (from, to or nothing, payload or body), or any event about this room by const
  /// Event&.
  template <typename Function>
  Listener on(const std::string& event, Function function) const {
    return listen(event, detail::handler_of(std::move(function)));
  }

  friend bool operator==(const Room& a, const Room& b) { return a.record_ == b.record_; }

 private:
  friend class detail::ServerState;
  Room(std::shared_ptr<detail::ServerState> server, std::shared_ptr<detail::RoomRecord> record);
  Listener listen(const std::string& event, detail::Handler handler) const;

  std::shared_ptr<detail::ServerState> server_;
  std::shared_ptr<detail::RoomRecord> record_;
};

}  // namespace sluice::rooms
