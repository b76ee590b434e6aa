#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "control/sessions/session_facts.hpp"
#include "control/sessions/sessions.hpp"
#include "control/sessions/state_records.hpp"
#include "control/store/store.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/entropy.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct SessionManagerOptions {
  std::chrono::milliseconds ttl{15'000};
  std::string secret;  // empty: 32 random bytes in hex, kept in the store
  std::string region = "default";
  std::chrono::milliseconds cleanup_interval{5'000};
};

/// Session tokens, which resume as reconnect tokens do, and sessions as operators see them (contract section 10). Holding
/// and queueing is the business of Sessions; this gives it the second token, tells clients (`session:token`) and mirrors
/// every session in the store, so that it can be resumed after a restart of the whole server.
///
/// Construct it after the dialects: `session:token` follows `room:joined` and `room:state`.
class SessionManager {
 public:
  using UnixClock = std::function<std::int64_t()>;

  /// All borrowed for life.
  SessionManager(Rooms& rooms, Sessions& sessions, Bus& bus, Store& store, Entropy& entropy, SessionManagerOptions options,
                 UnixClock unix_ms);

  /// What another life of the server left in `store` goes to the state log, unless control died only: before
  /// ControlState::restore(). Sessions that are over by now are forgotten. Returns the number of members.
  static std::size_t revive(Store& store, StateLog& log, std::int64_t unix_ms);

  /// The peer that a session token resumes now: its signature fits, it is suspended, its time is not over, and the room fits
  /// if one is given.
  [[nodiscard]] std::optional<PeerId> resumable(std::string_view token, const std::optional<RoomId>& room) const;
  [[nodiscard]] std::optional<SessionInfo> session(const PeerId& peer) const;
  [[nodiscard]] std::vector<SessionInfo> sessions() const;
  /// The session ends, its tokens die at once. False when there is none.
  bool expire(const PeerId& peer);
  /// Hands the session to another region. False when there is none.
  bool migrate(const PeerId& peer, const std::string& region);
  struct Counts {
    std::size_t active = 0;  // and resumed
    std::size_t suspended = 0;
    std::size_t total = 0;
  };
  [[nodiscard]] Counts counts() const;

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept { return next_mark_; }
  /// The server ends: every session is written as suspended from now on.
  void close();

  /// Members who are connected get their first session token: for a module that is attached when there are members.
  void take_in_members();

 private:
  struct Record {
    std::string token;
    SessionState state = SessionState::created;
    std::int64_t created_at = 0;
    std::int64_t suspended_at = 0;
    std::int64_t issued_at = 0;
    std::string region;
  };
  void follow(Bus& bus);
  void joined(const PeerId& peer);
  void resumed(const PeerId& peer);
  void ended(const PeerSnapshot& peer, const RoomId& room);
  void restored();
  void issue(const PeerId& peer, Record& record);
  void write(const PeerId& peer, const Record& record);
  void write_room(const RoomId& room);
  [[nodiscard]] SessionInfo info(const PeerId& peer, const Record& record) const;
  void tell(const PeerId& peer, const Record& record);

  Rooms& rooms_;
  Sessions& sessions_;
  Bus& bus_;
  Store& store_;
  SessionManagerOptions options_;
  UnixClock unix_ms_;
  std::unordered_map<PeerId, Record> records_;  // one for each member
  TimePoint next_mark_{};
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
