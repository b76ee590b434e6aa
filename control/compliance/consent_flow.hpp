#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/compliance/consent_record.hpp"
#include "control/compliance/facts.hpp"
#include "control/deadlines/lasting_deadlines.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct ConsentFlowOptions {
  ConsentTypes required;
  bool all_party = false;
  std::string version = "v1";
  std::chrono::milliseconds timeout{30'000};  // 0: none
  std::size_t absent_records_max = 10'000;    // granted by the API for peers that are not here; the oldest goes
};

/// Consent (contract section 20): asks joiners for what is required, keeps who agreed to what, and puts out who does not in
/// time. A member that lacks a required type is restricted: the data plane forwards nothing that it sends. Records end with
/// the membership and survive control's restart.
class ConsentFlow {
 public:
  struct Clocks {
    std::function<TimePoint()> now;
    std::function<std::int64_t(TimePoint)> unix_ms;
  };
  /// Borrowed for life.
  ConsentFlow(Rooms& rooms, Bus& bus, StateLog& log, ConsentFlowOptions options, Clocks clocks);
  ConsentFlow(const ConsentFlow&) = delete;
  ConsentFlow& operator=(const ConsentFlow&) = delete;

  /// A member agrees to `types`; grants add up. ConsentGranted. Does nothing for who is in no room.
  void grant(const PeerId& peer, ConsentTypes types);
  /// A member takes back `types`. ConsentWithdrawn; an empty record is removed.
  void withdraw(const PeerId& peer, ConsentTypes types);
  /// The API's grant, also for a peer that is not in the room (yet).
  void record(const RoomId& room, const PeerId& peer, ConsentTypes types);
  /// The API's withdrawal of everything.
  void revoke(const RoomId& room, const PeerId& peer);

  [[nodiscard]] const ConsentRecord* find(const RoomId& room, const PeerId& peer) const;
  [[nodiscard]] bool has_consented(const RoomId& room, const PeerId& peer, ConsentType type) const;
  /// The room exists, is not empty, and every member consented.
  [[nodiscard]] bool room_has_consent(const RoomId& room, ConsentType type) const;
  [[nodiscard]] std::vector<const ConsentRecord*> in_room(const RoomId& room) const;
  [[nodiscard]] std::vector<const ConsentRecord*> all() const;
  struct RoomStats {
    RoomId room;
    std::size_t peers = 0;
    std::size_t consented = 0;  // to everything that is required; without a requirement: to anything
  };
  /// Of rooms with members, by id.
  [[nodiscard]] std::vector<RoomStats> stats() const;
  [[nodiscard]] const ConsentFlowOptions& options() const noexcept { return options_; }

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const { return deadlines_.next(); }

  /// Asks every member who has not given all that is required, as a joiner is asked: for a module that is attached when
  /// there are members.
  void ask_members();

 private:
  using Key = std::pair<RoomId, PeerId>;
  void joined(const PeerJoined& fact);
  void ask(const RoomId& room, const PeerId& peer);
  void await_answer(const RoomId& room, const PeerId& peer);
  void left(const PeerLeft& fact);
  void restored();
  void add(const RoomId& room, const PeerId& peer, ConsentTypes types, std::string ip);
  void remove(const RoomId& room, const PeerId& peer, ConsentTypes types);
  void enforce(const RoomId& room, const PeerId& peer);
  void forget(const Key& key);
  void store(const Key& key);
  void bound_absent();
  [[nodiscard]] bool satisfied(const RoomId& room, const PeerId& peer) const;

  Rooms& rooms_;
  Bus& bus_;
  StateLog& log_;
  ConsentFlowOptions options_;
  Clocks clocks_;
  std::map<Key, ConsentRecord> records_;
  LastingDeadlines deadlines_;  // of who has been asked and lacks something
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
