#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/deadlines/lasting_deadlines.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/result.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct E2eOptions {
  bool require_key_on_join = false;
  std::chrono::milliseconds announcement_timeout{10'000};
  std::vector<std::string> allowed_curves{"P-256", "X25519"};
};

/// A member's public key, as it gave it.
struct E2eKey {
  std::string public_key;
  std::string curve;
  std::int64_t announced_at = 0;  // Unix milliseconds, of this version
  std::uint32_t version = 1;
  friend bool operator==(const E2eKey&, const E2eKey&) = default;
};

/// A key was announced, rotated, or ended with its member.
struct E2eKeyChanged {
  enum class What : std::uint8_t { announced, rotated, revoked };
  What what = What::announced;
  RoomId room;
  PeerId peer;
  std::uint32_t version = 0;
};

/// Hands out members' public keys (contract section 19). The server never sees a private key and understands none of it;
/// keys last as long as the membership, control's restarts included.
class E2eKeyExchange {
 public:
  struct Clocks {
    std::function<TimePoint()> now;
    std::function<std::int64_t(TimePoint)> unix_ms;
  };
  enum class Error : std::uint8_t { invalid_key, already_announced, not_announced };

  /// Borrowed for life.
  E2eKeyExchange(Rooms& rooms, Bus& bus, StateLog& log, E2eOptions options, Clocks clocks);
  E2eKeyExchange(const E2eKeyExchange&) = delete;
  E2eKeyExchange& operator=(const E2eKeyExchange&) = delete;

  /// A member's first key. Confirms to it, tells the others.
  Result<void, Error> announce(const PeerId& peer, const std::string& public_key, const std::optional<std::string>& curve);
  /// Another one; the version rises. Without a curve the previous one stays.
  Result<void, Error> rotate(const PeerId& peer, const std::string& public_key, const std::optional<std::string>& curve);
  /// nullptr when it has none. Valid until the next change.
  [[nodiscard]] const E2eKey* key_of(const PeerId& peer) const;
  /// The keys of a room's members in join order.
  [[nodiscard]] std::vector<std::pair<PeerId, E2eKey>> room_keys(const RoomId& room) const;
  struct RoomStats {
    RoomId room;
    std::size_t peers = 0;
  };
  [[nodiscard]] std::vector<RoomStats> stats() const;

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const { return deadlines_.next(); }

 private:
  void joined(const PeerJoined& fact);
  void left(const PeerLeft& fact);
  void restored();
  void set(const Peer& peer, E2eKey key, E2eKeyChanged::What what);
  [[nodiscard]] bool valid(const std::string& public_key, const std::optional<std::string>& curve) const;

  Rooms& rooms_;
  Bus& bus_;
  StateLog& log_;
  E2eOptions options_;
  Clocks clocks_;
  std::map<PeerId, E2eKey> keys_;
  LastingDeadlines deadlines_;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
