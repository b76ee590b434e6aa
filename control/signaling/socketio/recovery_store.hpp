#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/signaling/socketio/application.hpp"

namespace sluice::socketio {

struct RecoverySettings {
  std::chrono::milliseconds disconnection_max{120'000};  // maxDisconnectionDuration
  std::size_t bytes_max = 32 * 1024 * 1024;              // of events kept; the oldest go first
  std::size_t sessions_max = 20'000;                     // lost connections kept; the oldest go first
};

/// Connection state recovery (contract section 8): the events of the last two minutes with whom they were for, and the
/// connections lost in that time. Bounded in time, bytes and number; what was dropped makes a fresh connection of what would
/// have been a recovery, never an error.
class RecoveryStore {
 public:
  using RoomName = std::shared_ptr<const std::string>;
  /// Whom an event was for.
  struct Target {
    SocketKey socket;  // one socket; 0: the room
    RoomName room = nullptr;
    SocketKey except = {};  // of the room
  };
  struct Lost {
    SocketKey socket;
    std::string id;
    std::string name_space;
    std::vector<RoomName> rooms;
    std::string data;
  };

  explicit RecoveryStore(RecoverySettings settings) : settings_(settings) {}

  /// The offset of the next event: the trailing argument that clients remember. Opaque, unique, increasing.
  [[nodiscard]] std::string next_offset();
  /// Keeps the event that got the last offset.
  void keep(OutPacket packet, Target target, TimePoint now);

  void lose(std::string pid, Lost lost, TimePoint now);
  /// The lost connection of a client, if what it missed since `offset` is still here; it is then taken out.
  std::optional<Lost> take(std::string_view pid, std::string_view offset, TimePoint now);
  /// What the connection missed, in order.
  [[nodiscard]] std::vector<OutPacket> missed(const Lost& lost, std::string_view offset) const;
  /// Whether a lost connection of this id may still come back.
  [[nodiscard]] std::optional<SocketKey> lost_socket(std::string_view id, TimePoint now);

  [[nodiscard]] std::size_t kept_events() const noexcept { return events_.size(); }
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t lost_count() const noexcept { return lost_.size(); }

 private:
  struct Kept {
    std::uint64_t number;
    TimePoint at;
    OutPacket packet;
    Target target;
  };
  struct LostEntry {
    TimePoint until;
    Lost lost;
  };
  void forget_old(TimePoint now);
  void forget_lost(const std::string& pid);
  [[nodiscard]] static std::size_t bytes_of(const Kept& event);

  RecoverySettings settings_;
  std::uint64_t last_number_ = 0;
  std::uint64_t dropped_up_to_ = 0;
  std::deque<Kept> events_;
  std::size_t bytes_ = 0;
  std::unordered_map<std::string, LostEntry> lost_;              // by pid
  std::unordered_map<std::string, std::string> pid_of_;          // by socket id
  std::deque<std::pair<TimePoint, std::string>> lost_in_order_;  // pids; some may have been taken
};

}  // namespace sluice::socketio
