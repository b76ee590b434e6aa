#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/facts.hpp"
#include "control/security/ban_list.hpp"
#include "control/security/facts.hpp"
#include "control/security/fixed_window.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct RateLimiterOptions {
  std::uint32_t connections_per_minute = 30;  // of one address
  std::uint32_t messages_per_second = 30;     // of one peer
  std::uint32_t messages_per_minute = 300;
  std::chrono::milliseconds ban{60'000};
  std::set<std::string> whitelist;  // addresses, canonical: exempt from the limit on connections
};

/// How many connections an address and how many messages a peer may have (contract section 22).
class RateLimiter {
 public:
  /// All borrowed for life.
  RateLimiter(Bus& bus, BanList& bans, RateLimiterOptions options);

  /// A connection from `ip` (canonical). False: it is to be closed with 1008 `Rate limited`.
  [[nodiscard]] bool connection(const std::string& ip, TimePoint now);

  enum class Message : std::uint8_t { pass, drop, drop_and_tell };
  /// One message of a peer. A dropped one is told at most once a second.
  [[nodiscard]] Message message(const PeerId& peer, TimePoint now);

  void ban(const std::string& ip, std::chrono::milliseconds length, TimePoint now);
  void ban(const std::string& ip, TimePoint now) { ban(ip, options_.ban, now); }
  bool unban(const std::string& ip);
  [[nodiscard]] std::vector<BanList::Ban> bans(TimePoint now) const { return bans_.bans(now); }

  void set_options(RateLimiterOptions options) { options_ = std::move(options); }
  /// Forgets windows that are over. Every minute or so.
  void sweep(TimePoint now);
  [[nodiscard]] std::size_t tracked() const noexcept { return connections_.size() + peers_.size(); }

 private:
  struct PeerWindows {
    FixedWindow second;
    FixedWindow minute;
    TimePoint told{};
    bool was_told = false;
  };
  struct Address {
    FixedWindow minute;
    FixedWindow blocked;  // facts about it
  };
  void tell_blocked(const std::string& ip, TimePoint now);

  Bus& bus_;
  BanList& bans_;
  RateLimiterOptions options_;
  std::unordered_map<std::string, Address> connections_;  // bounded; unknown addresses pass when it is full
  std::unordered_map<PeerId, PeerWindows> peers_;
  Bus::Subscription peer_closed_;
};

}  // namespace sluice
