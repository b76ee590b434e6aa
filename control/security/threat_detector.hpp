#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/message_guard.hpp"
#include "control/rooms/rooms.hpp"
#include "control/security/ban_list.hpp"
#include "control/security/facts.hpp"
#include "control/security/fixed_window.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// The thresholds of contract section 23, by its names.
struct ThreatThresholds {
  std::uint32_t max_conn_per_min_per_ip = 30;
  std::chrono::milliseconds conn_flood_ban{300'000};
  std::uint32_t max_signals_per_sec_per_peer = 50;
  std::uint32_t max_signals_per_min_per_peer = 500;
  std::uint32_t signal_flood_kick_threshold = 3;  // the offence of an address from which on it is banned
  std::uint32_t max_join_leave_per_min_per_ip = 20;
  std::chrono::milliseconds room_cycling_ban{600'000};
  std::uint32_t max_sdp_per_min_per_peer = 10;
  std::size_t max_payload_bytes = 65536;
  std::uint32_t max_data_msg_per_sec_per_peer = 30;
  std::size_t max_metadata_patch_bytes = 4096;
  std::chrono::milliseconds idle_timeout{120'000};  // 0: never
  std::uint32_t max_broadcast_ratio = 50;
};

struct ThreatDetectorOptions {
  ThreatThresholds thresholds;
  std::set<std::string> whitelist;  // canonical; 127.0.0.1 and ::1 are always in it
  bool media_is_activity = false;   // a peer whose media is up is never idle
};

/// Watches what clients do for eight kinds of misuse and reacts: a warning, a dropped message, a kick, a ban. Bans are
/// enforced when a connection opens. Facts: ThreatDetected, AddressBanned, AddressUnbanned.
///
/// What it finds out from inside a fact (room cycling) it acts upon in the next handle_timeout(), which is due at once: the
/// tables must not change under those who have not heard the fact yet.
class ThreatDetector {
 public:
  /// All borrowed for life.
  ThreatDetector(Rooms& rooms, Bus& bus, BanList& bans, ThreatDetectorOptions options, std::function<TimePoint()> now);

  /// A connection from `ip` (canonical). Refused: the reason of the close with 1008.
  [[nodiscard]] std::optional<std::string> refuse_connection(const std::string& ip, TimePoint now);
  /// A message of a peer. Never drop_and_tell.
  [[nodiscard]] GuardVerdict check(const PeerId& peer, const GuardedMessage& message, TimePoint now);

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept;

  /// Shuts an address out; who is connected from there is put out, reason `Banned`.
  void ban(const std::string& ip, std::chrono::milliseconds length, TimePoint now);
  /// Whether it was banned. What was counted of the address is forgotten.
  bool unban(const std::string& ip);
  [[nodiscard]] bool is_banned(const std::string& ip, TimePoint now) const { return bans_.contains(ip, now); }
  [[nodiscard]] std::vector<BanList::Ban> bans(TimePoint now) const { return bans_.bans(now); }
  [[nodiscard]] std::size_t tracked_peers() const noexcept { return peers_.size(); }
  [[nodiscard]] const std::set<std::string>& whitelist() const noexcept { return options_.whitelist; }
  [[nodiscard]] const ThreatDetectorOptions& options() const noexcept { return options_; }
  void set_options(ThreatDetectorOptions options);

 private:
  struct PeerRecord {
    std::string ip;
    bool can_idle = true;  // false: its dialect has no messages
    bool media_up = false;
    TimePoint heard;
    FixedWindow second;
    FixedWindow minute;
    FixedWindow sdp;
    FixedWindow data;
    FixedWindow throttled;  // facts about it
    FixedWindow wide_broadcasts;
  };
  struct AddressRecord {
    FixedWindow connections;
    FixedWindow joins_and_leaves;
    FixedWindow refused;         // facts about it
    std::uint32_t offences = 0;  // signal floods
    TimePoint last_offence{};
  };
  void follow(Bus& bus);
  void track(const PeerId& peer, const std::string& ip, std::string_view dialect, TimePoint now);
  void count_cycling(const PeerId& peer);
  AddressRecord& address(const std::string& ip, TimePoint now);
  void kick(const PeerId& peer, std::string reason);
  void put_out_all_of(const std::string& ip);
  GuardVerdict flood(const PeerId& peer, PeerRecord& record, TimePoint now);
  GuardVerdict check_data(const PeerId& peer, PeerRecord& record, const GuardedMessage& message, TimePoint now);
  void note_broadcast(const PeerId& peer, PeerRecord& record, TimePoint now);
  void look_for_idle(TimePoint now);
  [[nodiscard]] bool exempt(const std::string& ip) const { return options_.whitelist.contains(ip); }

  Rooms& rooms_;
  Bus& bus_;
  BanList& bans_;
  ThreatDetectorOptions options_;
  std::function<TimePoint()> now_;
  std::unordered_map<PeerId, PeerRecord> peers_;
  std::unordered_map<std::string, AddressRecord> addresses_;  // bounded; unknown ones share one record when it is full
  std::vector<std::string> condemned_;                        // addresses banned from inside a fact
  TimePoint next_look_;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
