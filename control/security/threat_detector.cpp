#include "control/security/threat_detector.hpp"

#include <algorithm>
#include <utility>

#include "control/security/address.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr Duration second = 1s;
constexpr Duration minute = 60s;
constexpr Duration look_period = 30s;  // contract section 23, model 7
/// Model 8: "sustained" is more than ten wide broadcasts in ten seconds.
constexpr Duration broadcast_window = 10s;
constexpr std::uint32_t wide_broadcasts_max = 10;
/// Floods of one address that lie further apart than this are not one story.
constexpr Duration offence_memory = std::chrono::hours(1);
constexpr std::size_t addresses_max = 200'000;

}  // namespace

ThreatDetector::ThreatDetector(Rooms& rooms, Bus& bus, BanList& bans, ThreatDetectorOptions options,
                               std::function<TimePoint()> now)
    : rooms_(rooms), bus_(bus), bans_(bans), now_(std::move(now)), next_look_(now_() + look_period) {
  set_options(std::move(options));
  follow(bus);
}

void ThreatDetector::set_options(ThreatDetectorOptions options) {
  options_ = std::move(options);
  options_.whitelist.insert({"127.0.0.1", "::1"});
}

void ThreatDetector::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto act) { subscriptions_.push_back(bus.subscribe<Fact>(act)); };
  on.template operator()<PeerConnected>(
      [this](const PeerConnected& fact) { track(fact.peer, canonical_address(fact.ip), fact.dialect, now_()); });
  on.template operator()<PeerClosed>([this](const PeerClosed& fact) { peers_.erase(fact.peer); });
  on.template operator()<PeerJoined>([this](const PeerJoined& fact) { count_cycling(fact.peer.id); });
  on.template operator()<PeerLeft>([this](const PeerLeft& fact) { count_cycling(fact.peer.id); });
  on.template operator()<MediaConnected>([this](const MediaConnected& fact) {
    if (const auto found = peers_.find(fact.peer); found != peers_.end()) found->second.media_up = true;
  });
  on.template operator()<MediaClosed>([this](const MediaClosed& fact) {
    if (const auto found = peers_.find(fact.peer); found != peers_.end()) found->second.media_up = false;
  });
  // Resumed or restored peers are known by their member id, not by that of the connection that they came back on.
  on.template operator()<PeerReconnected>([this](const PeerReconnected& fact) {
    const Peer* peer = rooms_.find_peer(fact.peer.id);
    if (peer == nullptr) return;
    const bool media_up = peers_.contains(fact.peer.id) && peers_[fact.peer.id].media_up;
    track(fact.peer.id, canonical_address(peer->ip()), peer->dialect(), now_());
    peers_[fact.peer.id].media_up = media_up;
  });
  on.template operator()<RoomsRestored>([this](const RoomsRestored&) {
    for (const auto& [id, peer] : rooms_.peers()) track(id, canonical_address(peer->ip()), peer->dialect(), now_());
  });
}

void ThreatDetector::track(const PeerId& peer, const std::string& ip, std::string_view dialect, TimePoint now) {
  PeerRecord& record = peers_[peer];
  record.ip = ip;
  record.can_idle = dialect != "whip";
  record.heard = now;
}

ThreatDetector::AddressRecord& ThreatDetector::address(const std::string& ip, TimePoint now) {
  if (addresses_.size() >= addresses_max && !addresses_.contains(ip)) {
    std::erase_if(addresses_, [&](const auto& entry) {
      const AddressRecord& record = entry.second;
      return record.connections.over(now, minute) && record.joins_and_leaves.over(now, minute) &&
             (record.offences == 0 || now - record.last_offence > offence_memory);
    });
    if (addresses_.size() >= addresses_max) return addresses_["the rest"];
  }
  return addresses_[ip];
}

// --- model 1: connections
// -------------------------------------------------------------------------------------------------------

std::optional<std::string> ThreatDetector::refuse_connection(const std::string& ip, TimePoint now) {
  if (bans_.contains(ip, now)) {
    if (address(ip, now).refused.count(now, second) == 1)
      bus_.publish(ThreatDetected{ThreatLevel::ban, "connection_flood_banned", std::nullopt, ip});
    return "Banned";
  }
  if (exempt(ip)) return std::nullopt;
  if (address(ip, now).connections.count(now, minute) <= options_.thresholds.max_conn_per_min_per_ip) return std::nullopt;
  bus_.publish(ThreatDetected{ThreatLevel::ban, "connection_flood", std::nullopt, ip});
  ban(ip, options_.thresholds.conn_flood_ban, now);
  return "Too many connections";
}

// --- models 2 and 4 to 6: messages
// ----------------------------------------------------------------------------------------------

GuardVerdict ThreatDetector::check(const PeerId& peer, const GuardedMessage& message, TimePoint now) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return GuardVerdict::pass;  // gone already: whoever handles it will see that
  PeerRecord& record = found->second;
  record.heard = now;
  const ThreatThresholds& limits = options_.thresholds;
  const std::uint32_t in_second = record.second.count(now, second);
  const std::uint32_t in_minute = record.minute.count(now, minute);
  if (in_second > limits.max_signals_per_sec_per_peer || in_minute > limits.max_signals_per_min_per_peer) {
    return flood(peer, record, now);
  }
  switch (message.request) {
    case ClientRequest::sdp:
      if (message.to_server || record.sdp.count(now, minute) <= limits.max_sdp_per_min_per_peer) break;
      bus_.publish(ThreatDetected{ThreatLevel::kick, "sdp_flood", peer, record.ip});
      kick(peer, "SDP rate limit exceeded");
      return GuardVerdict::ended;
    case ClientRequest::data:
      return check_data(peer, record, message, now);
    case ClientRequest::metadata:
      if (message.bytes <= limits.max_metadata_patch_bytes) break;
      bus_.publish(ThreatDetected{ThreatLevel::kick, "metadata_poisoning", peer, record.ip});
      kick(peer, "Metadata patch too large");
      return GuardVerdict::ended;
    default:
      break;
  }
  return GuardVerdict::pass;
}

GuardVerdict ThreatDetector::flood(const PeerId& peer, PeerRecord& record, TimePoint now) {
  const std::string ip = record.ip;
  AddressRecord& offender = address(ip, now);
  if (now - offender.last_offence > offence_memory) offender.offences = 0;
  offender.last_offence = now;
  const bool banned = ++offender.offences >= options_.thresholds.signal_flood_kick_threshold && !exempt(ip);
  bus_.publish(ThreatDetected{banned ? ThreatLevel::ban : ThreatLevel::kick, "signal_flood", peer, ip});
  if (banned) {
    // First the peer, for the reason that is its own.
    kick(peer, "Signal flood detected");
    ban(ip, options_.thresholds.conn_flood_ban, now);
  } else {
    kick(peer, "Signal rate limit exceeded");
  }
  return GuardVerdict::ended;
}

GuardVerdict ThreatDetector::check_data(const PeerId& peer, PeerRecord& record, const GuardedMessage& message,
                                        TimePoint now) {
  const ThreatThresholds& limits = options_.thresholds;
  if (message.bytes > limits.max_payload_bytes) {
    bus_.publish(ThreatDetected{ThreatLevel::kick, "oversized_payload", peer, record.ip});
    kick(peer, "Payload too large");
    return GuardVerdict::ended;
  }
  if (record.data.count(now, second) > limits.max_data_msg_per_sec_per_peer) {
    if (record.throttled.count(now, second) == 1)
      bus_.publish(ThreatDetected{ThreatLevel::throttle, "data_flood", peer, record.ip});
    return GuardVerdict::drop;
  }
  if (message.to_all) note_broadcast(peer, record, now);
  return GuardVerdict::pass;
}

// --- model 8: amplification
// -----------------------------------------------------------------------------------------------------

void ThreatDetector::note_broadcast(const PeerId& peer, PeerRecord& record, TimePoint now) {
  const Peer* sender = rooms_.find_peer(peer);
  const Room* room = sender != nullptr && sender->room() ? rooms_.find_room(*sender->room()) : nullptr;
  if (room == nullptr || room->members().size() <= options_.thresholds.max_broadcast_ratio + std::size_t{1}) return;
  if (record.wide_broadcasts.count(now, broadcast_window) == wide_broadcasts_max + 1)
    bus_.publish(ThreatDetected{ThreatLevel::warn, "amplification", peer, record.ip});
}

// --- model 3: room cycling
// ------------------------------------------------------------------------------------------------------

void ThreatDetector::count_cycling(const PeerId& peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end() || exempt(found->second.ip)) return;
  const std::string& ip = found->second.ip;
  const TimePoint now = now_();
  const ThreatThresholds& limits = options_.thresholds;
  if (address(ip, now).joins_and_leaves.count(now, minute) <= limits.max_join_leave_per_min_per_ip) return;
  if (bans_.contains(ip, now)) return;
  bus_.publish(ThreatDetected{ThreatLevel::ban, "room_cycling", peer, ip});
  const std::int64_t until = bans_.add(ip, limits.room_cycling_ban, now);
  bus_.publish(AddressBanned{ip, until, false});
  condemned_.push_back(ip);
}

// --- model 7: idleness
// ----------------------------------------------------------------------------------------------------------

void ThreatDetector::look_for_idle(TimePoint now) {
  if (options_.thresholds.idle_timeout <= 0ms) return;
  std::vector<std::pair<PeerId, std::string>> idle;
  for (const auto& [id, record] : peers_) {
    const Peer* peer = rooms_.find_peer(id);
    if (peer == nullptr || peer->state() == PeerState::reconnecting || !record.can_idle) continue;
    if (options_.media_is_activity && record.media_up) continue;
    if (now - record.heard >= options_.thresholds.idle_timeout) idle.emplace_back(id, record.ip);
  }
  for (const auto& [id, ip] : idle) {
    bus_.publish(ThreatDetected{ThreatLevel::kick, "idle_timeout", id, ip});
    (void)rooms_.kick(id, "Idle timeout", std::nullopt, LeaveCause::idle);
  }
}

// --- reactions
// --------------------------------------------------------------------------------------------------------------------

void ThreatDetector::kick(const PeerId& peer, std::string reason) {
  (void)rooms_.kick(peer, std::move(reason));
}

void ThreatDetector::put_out_all_of(const std::string& ip) {
  std::vector<PeerId> there;
  for (const auto& [id, record] : peers_) {
    if (record.ip == ip) there.push_back(id);
  }
  for (const PeerId& id : there) kick(id, "Banned");
}

void ThreatDetector::ban(const std::string& ip, std::chrono::milliseconds length, TimePoint now) {
  const std::int64_t until = bans_.add(ip, length, now);
  bus_.publish(AddressBanned{ip, until, false});
  put_out_all_of(ip);
}

bool ThreatDetector::unban(const std::string& ip) {
  addresses_.erase(ip);
  if (!bans_.remove(ip)) return false;
  bus_.publish(AddressUnbanned{ip, false});
  return true;
}

void ThreatDetector::handle_timeout(TimePoint now) {
  for (const std::string& ip : std::exchange(condemned_, {})) put_out_all_of(ip);
  if (now < next_look_) return;
  next_look_ = now + look_period;
  look_for_idle(now);
  bans_.sweep(now);
}

TimePoint ThreatDetector::next_deadline() const noexcept {
  return condemned_.empty() ? next_look_ : TimePoint{};
}

}  // namespace sluice
