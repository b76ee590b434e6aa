#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::rooms::detail {

/// What is known of a peer; outlives its stay for the handles that point to it. Guarded by the lock of its owner.
struct PeerRecord {
  std::string id;
  std::string state = "connecting";
  nlohmann::json metadata = nlohmann::json::object();
  std::optional<std::string> room_id;
  std::optional<std::int64_t> connected_at;
};

/// What is known of a room, likewise.
struct RoomRecord {
  std::string id;
  nlohmann::json metadata = nlohmann::json::object();
  std::size_t max_peers = 0;
  std::int64_t created_at = 0;
  std::vector<std::string> members;  // in join order
  bool gone = false;
};

}  // namespace sluice::rooms::detail

namespace sluice::embedding {

using PeerRecord = rooms::detail::PeerRecord;
using RoomRecord = rooms::detail::RoomRecord;

/// One event with whom it is about, as handlers are told of it.
struct Notice {
  std::string name;
  nlohmann::json data;
  std::uint64_t number = 0;
  std::shared_ptr<PeerRecord> peer;  // null: about no peer that is known
  std::shared_ptr<RoomRecord> room;
};

/// The rooms and peers of a server as its events tell of them. Pure; not thread-safe.
///
/// A snapshot (operation server.snapshot) puts it right after a time without connection, and says what must have happened
/// meanwhile. What is not of the expected shape is ignored: the server is another process, of maybe another version.
class Mirror {
 public:
  using Peers = std::map<std::string, std::shared_ptr<PeerRecord>, std::less<>>;
  using Rooms = std::map<std::string, std::shared_ptr<RoomRecord>, std::less<>>;

  /// Takes an event in, in the server's order.
  Notice apply(std::string name, nlohmann::json data, std::uint64_t number);
  /// Takes the state of the server over. What differs from what was known comes back as events with number 0: room:created,
  /// peer:left, peer:disconnected, peer:connected, peer:joined, peer:suspended, peer:reconnected, room:destroyed. The first
  /// snapshot says nothing: what it shows was there before.
  std::vector<Notice> reconcile(const nlohmann::json& snapshot);
  /// The summary of a room as an answer held it.
  std::shared_ptr<RoomRecord> take_room(const nlohmann::json& summary);

  [[nodiscard]] const Peers& peers() const noexcept { return peers_; }
  [[nodiscard]] const Rooms& rooms() const noexcept { return rooms_; }
  [[nodiscard]] std::shared_ptr<PeerRecord> peer(std::string_view id) const;
  [[nodiscard]] std::shared_ptr<RoomRecord> room(std::string_view id) const;

 private:
  std::shared_ptr<PeerRecord> take_peer(const nlohmann::json& snapshot);
  void enter(const std::shared_ptr<PeerRecord>& peer, const std::string& room);
  void leave_room(const std::shared_ptr<PeerRecord>& peer);
  void forget_peer(const std::string& id);
  void forget_room(const std::string& id);
  void change(const std::string& name, const nlohmann::json& data, Notice& notice);

  Peers peers_;
  Rooms rooms_;
  bool has_snapshot_ = false;
};

/// {id, roomId, state, metadata}.
[[nodiscard]] nlohmann::json snapshot_of(const PeerRecord& peer);
/// {id, peerCount, createdAt, metadata}.
[[nodiscard]] nlohmann::json summary_of(const RoomRecord& room);

}  // namespace sluice::embedding
