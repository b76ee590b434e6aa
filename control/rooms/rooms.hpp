#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/admission.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/peer.hpp"
#include "control/rooms/restrictions.hpp"
#include "control/rooms/room.hpp"
#include "shm/types/entropy.hpp"
#include "shm/types/result.hpp"

namespace sluice {

struct RoomsOptions {
  std::size_t max_peers_per_room = 50;  // capacity of rooms that are not told their own
  bool auto_create_rooms = true;
  bool auto_destroy_rooms = true;
  std::size_t room_id_bytes_max = 512;
  std::size_t metadata_keys_max = 1024;        // of one peer or room
  std::size_t metadata_bytes_max = 64 * 1024;  // keys and values: every later joiner gets all of it in one message
};

/// Why a join ended without admission.
struct JoinRefusal {
  enum class Kind : std::uint8_t {
    invalid_room_id,  // blank or too long
    rejected,         // by a step: `code`, `message`
    failed,           // a step failed: AUTH_ERROR
    room_not_found,   // and rooms are not made by joining
    room_full,
    rate_limited,  // by a step, for now
  };
  Kind kind = Kind::rejected;
  std::string code;          // on the wire
  std::string message;       // may be empty
  std::string close_reason;  // empty: the connection stays open
  bool temporary = false;    // it is not about this client, which may try again later
  /// The core keeps the peer, which may ask again; after the others it is gone.
  [[nodiscard]] bool keeps_peer() const noexcept { return kind == Kind::room_full || kind == Kind::rate_limited; }
};
using JoinOutcome = Result<void, JoinRefusal>;

enum class RoomError : std::uint8_t {
  not_found,
  already_exists,
  invalid_id,
  metadata_too_large,
  invalid_capacity,
  rejected
};

/// The core of the server: rooms and peers, who is where. Pure: no sockets, no JSON, no clock; facts go out on the bus.
class Rooms {
 public:
  /// `unix_ms` turns the loop's time into Unix milliseconds (for createdAt). All references must outlive this.
  Rooms(Bus& bus, Entropy& entropy, RoomsOptions options, std::function<std::int64_t(TimePoint)> unix_ms);
  Rooms(const Rooms&) = delete;
  Rooms& operator=(const Rooms&) = delete;

  // --- peers -------------------------------------------------------------------------------------------------------------
  /// A connection opened: a new peer, `connecting`. PeerConnected.
  PeerId connect(std::string dialect, std::string ip);
  /// Lets a peer that is in no room vanish (its connection closed, or it turned out to be another, resuming peer); an
  /// admission under way is void. PeerClosed only.
  void discard(const PeerId& peer);
  /// Asks to put `peer` (which must be `connecting`) into `room`. `metadata` is merged at once, except keys that begin with
  /// `__` (reserved). `done` is called exactly once, unless the peer goes first: possibly later, possibly before this
  /// returns. On admission RoomCreated (if new) and PeerJoined go out before `done`. On refusal other than room_full the
  /// peer is gone from the table when `done` runs.
  void join(const PeerId& peer, RoomId room, const Metadata& metadata, TimePoint now,
            std::function<void(const JoinOutcome&, TimePoint now)> done);
  /// Leaves its room for `cause`. With `left` the peer stays `connecting` without metadata; otherwise it is closed.
  /// PeerLeft, maybe RoomDestroyed, maybe PeerClosed. Does nothing for a peer in no room.
  void leave(const PeerId& peer, LeaveCause cause);
  /// Its connection is lost, it is held until `until`. PeerSuspended.
  void suspend(const PeerId& peer, TimePoint until);
  /// It is back (or moved to another connection). PeerReconnected. False when the peer is in no room.
  bool resume(const PeerId& peer);
  /// Puts a peer out, whether in a room or not: PeerKicked, then as leave(). An unknown peer: nothing, false.
  bool kick(const PeerId& peer, std::string reason = "Kicked by server", std::optional<std::string> by = std::nullopt,
            LeaveCause cause = LeaveCause::kicked);
  /// As kick(), but its connection is closed with a WebSocket code of the caller's and it is told nothing before.
  bool disconnect(const PeerId& peer, std::uint16_t close_code, std::string reason);
  /// Merges into a peer's metadata (`null` removes). PeerMetadataChanged. False when unknown or above the limits.
  bool patch_peer_metadata(const PeerId& peer, const Metadata& patch);
  /// Sets or lifts one reason not to forward a member's media. PeerRestricted when that changed anything. False when the
  /// peer is in no room: restrictions end with the membership.
  bool restrict_media(const PeerId& peer, Restriction why, MediaDirection direction, bool on);
  /// After a restart: somebody holds a decision of `epoch` about the member, which is later than ours. Ours become later
  /// than that, and the directions that it had closed stay closed (Restriction::unknown). PeerRestricted.
  void distrust_media(const PeerId& peer, std::uint64_t epoch, bool send_closed, bool receive_closed);

  // --- rooms -------------------------------------------------------------------------------------------------------------
  /// Makes a room without members; it stays until its last member leaves or it is destroyed. RoomCreated.
  Result<const Room*, RoomError> create(RoomId room, Metadata metadata, std::optional<std::size_t> capacity, TimePoint now);
  /// Puts everybody out ("Room destroyed by admin") and removes the room. RoomDestroyed.
  Result<void, RoomError> destroy(const RoomId& room, const std::string& reason = "Room destroyed by admin");
  /// Merges room metadata; `null` is stored. RoomMetadataChanged.
  Result<void, RoomError> patch_room_metadata(const RoomId& room, const Metadata& patch);
  /// 1 or more; members above it stay.
  Result<void, RoomError> set_capacity(const RoomId& room, std::size_t capacity);

  // --- messages
  // ------------------------------------------------------------------------------------------------------------
  /// Application data from a member of a room to a member of the same room (itself allowed) or to all others. DataRelayed.
  /// False when the sender is no member or may not, or the target is not in its room.
  bool relay_data(const PeerId& from, const std::optional<PeerId>& target, std::string payload);
  /// Data from "__admin__" to all members.
  Result<void, RoomError> broadcast_data(const RoomId& room, std::string payload);
  /// Any message (raw JSON object text) to all members but some, or to one peer.
  Result<void, RoomError> post(const RoomId& room, std::string message, std::vector<PeerId> except = {});
  bool post(const PeerId& peer, std::string message);

  // --- admission
  // -----------------------------------------------------------------------------------------------------------
  /// Adds a step, kept by the caller and alive as long as this; runs at its stage, after steps of the same stage.
  void add_admission_step(AdmissionStep& step);

  // --- permissions
  /// Asks it before a member publishes, subscribes, sends data or records. Kept by the caller, alive as long as this.
  void add_permissions(const Permissions& permissions) { permissions_.push_back(&permissions); }
  [[nodiscard]] bool allows(const PeerId& peer, MemberAction action) const;
  /// Asks it before a room is made or its metadata changes (`rejected`). Kept by the caller, alive as long as this.
  void add_guard(RoomGuard& guard) { guards_.push_back(&guard); }

  // --- looking
  // -------------------------------------------------------------------------------------------------------------
  [[nodiscard]] const Peer* find_peer(const PeerId& peer) const;
  [[nodiscard]] const Room* find_room(const RoomId& room) const;
  [[nodiscard]] bool same_room(const PeerId& a, const PeerId& b) const;
  /// All rooms by id, all peers in no order.
  [[nodiscard]] const std::map<RoomId, std::unique_ptr<Room>>& rooms() const noexcept { return rooms_; }
  [[nodiscard]] const std::unordered_map<PeerId, std::unique_ptr<Peer>>& peers() const noexcept { return peers_; }
  [[nodiscard]] const RoomsOptions& options() const noexcept { return options_; }
  /// For what happens from now on; rooms that exist keep their capacity.
  void set_options(const RoomsOptions& options) { options_ = options; }

  // --- restoring
  // -----------------------------------------------------------------------------------------------------------
  /// Puts back a room or a held member as it was before a restart; no facts. Members must come in join order, after their
  /// room. False when the id is taken, or the room is missing.
  bool restore_room(const RoomId& room, Metadata metadata, std::size_t capacity, std::int64_t created_at, bool visited);
  /// Takes back a restore_room() of a room without members; no facts.
  void forget_restored_room(const RoomId& room);
  bool restore_member(const PeerSnapshot& peer, std::string dialect, std::string ip, std::uint64_t join_number,
                      const Restrictions& restrictions = {});

 private:
  struct Admission;
  Peer* peer_of(const PeerId& peer);
  Room* room_of(const RoomId& room);
  void next_step(const std::shared_ptr<Admission>& admission, TimePoint now);
  void decided(const std::shared_ptr<Admission>& admission, AdmissionDecision decision, TimePoint now);
  void admit(const std::shared_ptr<Admission>& admission, TimePoint now);
  void refuse(const std::shared_ptr<Admission>& admission, JoinRefusal refusal, TimePoint now);
  Room& add_room(RoomId room, Metadata metadata, std::size_t capacity, TimePoint now);
  void remove_room(const RoomId& room);
  void close(const PeerId& peer);
  bool put_out(const PeerId& peer, PeerKicked fact);
  [[nodiscard]] bool within_limits(const Metadata& metadata) const;
  [[nodiscard]] bool valid_id(const RoomId& room) const;
  [[nodiscard]] bool guarded(const RoomId& room, const Metadata& metadata) const;

  Bus& bus_;
  Entropy& entropy_;
  RoomsOptions options_;
  std::function<std::int64_t(TimePoint)> unix_ms_;
  std::map<RoomId, std::unique_ptr<Room>> rooms_;
  std::unordered_map<PeerId, std::unique_ptr<Peer>> peers_;
  std::vector<AdmissionStep*> steps_;
  std::vector<const Permissions*> permissions_;
  std::vector<RoomGuard*> guards_;
  std::uint64_t last_join_number_ = 0;
  std::uint64_t last_admission_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late answers find out that this is gone
};

}  // namespace sluice
