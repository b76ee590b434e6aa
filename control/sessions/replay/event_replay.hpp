#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/broadcast_recorder.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "control/store/store.hpp"

namespace sluice {

struct EventReplayOptions {
  std::size_t capacity = 10'000;
  std::chrono::milliseconds replay_ttl{300'000};
  bool replay_on_reconnect = true;
  std::set<std::string, std::less<>> types{"peer:joined",  "peer:left",          "peer:reconnected",
                                           "peer:updated", "room:created",       "room:destroyed",
                                           "room:updated", "sfu:peer:published", "sfu:peer:unpublished"};
};

/// One recorded event (contract section 11).
struct RecordedEvent {
  std::int64_t seq = 0;
  std::string hash;  // 16 hex digits
  std::string type;
  std::optional<RoomId> room;
  std::optional<PeerId> peer;  // whom it is about
  std::string payload;         // raw JSON object
  std::int64_t ts = 0;         // Unix milliseconds

  /// `{seq, hash, type, roomId, peerId, payload, ts}`.
  [[nodiscard]] std::string to_json() const;
  [[nodiscard]] static std::optional<RecordedEvent> from_json(std::string_view text);
  /// `{"type":"replay:event", …}`, as clients get it.
  [[nodiscard]] std::string message() const;
};

/// Facts for operators.
struct EventRecorded {
  RecordedEvent event;
};
struct EventsReplayed {
  PeerId peer;
  RoomId room;
  std::size_t count = 0;
  std::int64_t from_seq = 0;
  std::int64_t to_seq = 0;
};
struct ReplayGapDetected {
  PeerId peer;
  RoomId room;
  std::int64_t last_seen = 0;
};

/// The log of what whole rooms were told, with numbers that rise; who comes back is told what it missed. An event is in the
/// store before anybody is sent it, so a client never knows of a number that a restarted server does not.
class EventReplay final : public BroadcastRecorder {
 public:
  using UnixClock = std::function<std::int64_t()>;

  /// Reads the log that a predecessor left. All borrowed for life.
  EventReplay(Rooms& rooms, Bus& bus, Store& store, EventReplayOptions options, UnixClock unix_ms);

  [[nodiscard]] std::optional<std::string> record(const RoomId& room, std::string_view message) override;
  [[nodiscard]] bool numbered(std::string_view message) const override;
  [[nodiscard]] std::int64_t last_seq(const RoomId& room) const override;
  [[nodiscard]] bool replays_on_resume() const override { return options_.replay_on_reconnect; }
  [[nodiscard]] std::vector<std::string> envelope(const RoomId& room, const PeerId& peer, std::int64_t last_seen) override;

  /// Records an event; nothing when it is a duplicate. `payload` is a raw JSON object.
  std::optional<RecordedEvent> record(std::string type, std::optional<RoomId> room, std::optional<PeerId> peer,
                                      std::string payload);
  [[nodiscard]] std::vector<RecordedEvent> since(std::int64_t seq) const;
  [[nodiscard]] std::vector<RecordedEvent> room_events(const RoomId& room, std::int64_t after = 0) const;
  /// Sends a member bare `replay:event` messages: events of its room and room-less ones after `after`. How many.
  std::size_t replay_to_peer(const PeerId& peer, std::int64_t after);
  [[nodiscard]] std::int64_t current_seq() const noexcept { return seq_; }
  struct Statistics {
    std::size_t size = 0;
    std::int64_t seq = 0;
    std::int64_t oldest_seq = 0;  // 0: the log is empty
  };
  [[nodiscard]] Statistics statistics() const noexcept;

 private:
  void load();
  void evict();
  void forget_room(const RoomId& room);
  [[nodiscard]] std::string hash_of(const RecordedEvent& event) const;

  Rooms& rooms_;
  Bus& bus_;
  Store& store_;
  EventReplayOptions options_;
  UnixClock unix_ms_;
  std::int64_t seq_ = 0;
  std::deque<RecordedEvent> log_;  // in order of seq, at most `capacity`
  std::unordered_set<std::string> hashes_;
  std::unordered_map<RoomId, std::int64_t> last_seq_;  // of rooms that exist
  std::unordered_map<RoomId, std::int64_t> evicted_;   // highest number that the log has lost, of rooms that exist
  Bus::Subscription room_created_;
  Bus::Subscription room_destroyed_;
};

}  // namespace sluice
