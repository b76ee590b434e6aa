#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"
#include "control/sessions/sessions.hpp"
#include "control/sessions/state_records.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// What the control process must know again after its own death: rooms, members with their tokens in join order,
/// publications, subscriptions. Follows the facts and writes each change to the StateLog at once; ids stay the same.
///
/// Keys: `core/room/ID`, `core/peer/ID`, `core/token/PEER`, `core/queue/PEER/NUMBER` (the message as it is), `core/prod/ID`,
/// `core/cons/ID`; values: state_records.hpp. Use: construct it after Rooms, Publications and Sessions and before Media and
/// the dialects (so that what a client is told is already written), then call restore() once, when all of them exist.
class ControlState {
 public:
  /// All borrowed for life. `publications` may be nullptr (no SFU attached).
  ControlState(Rooms& rooms, Publications* publications, Sessions& sessions, Bus& bus, StateLog& log);
  ~ControlState();
  ControlState(const ControlState&) = delete;
  ControlState& operator=(const ControlState&) = delete;

  /// Reads back what a predecessor left: every member is `reconnecting`. What no longer fits together (a member whose room
  /// is missing, because the predecessor died between two writes) is erased. Ends with RoomsRestored, even when there was
  /// nothing. Returns the number of members.
  std::size_t restore(TimePoint now);

  /// Writes that the log refused (full): that state would not survive a restart. 0 is normal.
  [[nodiscard]] std::uint64_t failed_writes() const noexcept { return failed_writes_; }
  /// Queued messages that are too large, or too many in all, to survive a restart: they are kept in memory only.
  [[nodiscard]] std::uint64_t queued_unwritten() const noexcept { return queued_unwritten_; }

  /// Of what is queued for held peers, in the log: one message and all of them.
  static constexpr std::size_t queued_text_max = std::size_t{16} << 10U;
  static constexpr std::size_t queued_bytes_max = std::size_t{4} << 20U;

 private:
  void put(const std::string& key, const std::string& value);
  void forget_queued(const std::string& key);
  void write_room(const RoomId& room);
  void write_member(const PeerId& peer);
  void write_publication(const ProducerId& producer);
  void write_subscription(const ConsumerId& consumer);
  void follow(Bus& bus);

  Rooms& rooms_;
  Publications* publications_;
  Sessions& sessions_;
  Bus& bus_;
  StateLog& log_;
  std::uint64_t failed_writes_ = 0;
  std::uint64_t queued_unwritten_ = 0;
  std::size_t queued_bytes_ = 0;
  std::vector<Bus::Subscription> subscriptions_;
};

/// Writes rooms and members of another life of the server into a log that holds none, as if control had died in that life:
/// restore() then finds them. Returns the number of members.
struct SessionRow;
std::size_t adopt_sessions(StateLog& log, std::span<const RoomRecord> rooms, std::span<const SessionRow> sessions);

}  // namespace sluice
