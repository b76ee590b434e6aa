#include "control/api/event_catalog.hpp"

#include <algorithm>
#include <array>

namespace sluice {

namespace {

constexpr std::array events{
    // rooms and peers: core_events.cpp
    CatalogEntry{"consumer:closed", "consumer {id, roomId, subscriberPeerId, producerId}, roomId", "a subscription ended"},
    CatalogEntry{"consumer:created", "consumer, roomId", "a member subscribed to a stream"},
    CatalogEntry{"data", "roomId, from, to, payload",
                 "application data was relayed (`to` null: to all); only sent to who asks for it by name"},
    CatalogEntry{"join:rejected", "peerId, roomId, reason", "a join was refused"},
    CatalogEntry{"layer:changed", "consumerId, peerId, layer",
                 "another layer of a stream is forwarded to a subscriber; layer null: none"},
    CatalogEntry{"peer:connected", "peerId, dialect, ip", "a connection opened"},
    CatalogEntry{"peer:disconnected", "peerId", "a peer is gone from the peer table"},
    CatalogEntry{"peer:joined", "peer, roomId", "a peer was admitted to a room"},
    CatalogEntry{"peer:kicked", "peerId, roomId, reason, by", "a peer is put out; peer:left follows if it was in a room"},
    CatalogEntry{"peer:left", "peer, roomId, cause",
                 "a peer left: left, dropped, hold_expired, kicked, room_destroyed, shed or idle"},
    CatalogEntry{"peer:reconnected", "peer, roomId", "a held peer resumed by its token"},
    CatalogEntry{"peer:suspended", "peerId, roomId", "a connection was lost, the peer keeps its place"},
    CatalogEntry{"peer:updated", "peerId, roomId, patch", "a peer's metadata changed"},
    CatalogEntry{"producer:closed", "producer {id, peerId, roomId, kind}, roomId", "a stream ended"},
    CatalogEntry{"producer:created", "producer, roomId", "a member publishes a stream"},
    CatalogEntry{"producer:paused", "producerId, peerId, roomId", "a publisher paused a stream"},
    CatalogEntry{"producer:resumed", "producerId, peerId, roomId", "a publisher resumed a stream"},
    CatalogEntry{"room:created", "room, roomId", "a room was made"},
    CatalogEntry{"room:destroyed", "roomId", "a room ended"},
    CatalogEntry{"room:updated", "roomId, patch", "a room's metadata changed"},
    CatalogEntry{"session:quarantined", "peerId, roomId",
                 "two crashes of a media worker had this peer's packets in hand: its media is shut out"},
    CatalogEntry{"transport:closed", "peerId, reason", "a peer's media transport ended without its doing"},
    CatalogEntry{"transport:connected", "peerId, roomId", "a peer's media transport is up"},
};

constexpr std::array hooks{
    CatalogEntry{"beforeJoin", "{peer, roomId, ip} -> {allow, [reason], [metadata]}",
                 "before a peer is admitted; no answer, an error or a late answer refuses the join (AUTH_ERROR)"},
    CatalogEntry{"exporter", "{spans} -> {}", "finished spans of the tracer"},
    CatalogEntry{"geoLookup", "{ip} -> {region}", "the region of an address, for data residency; no answer admits"},
    CatalogEntry{"handler", "alert -> {}", "an alert of a channel of type custom"},
    CatalogEntry{"latencyFn", "{ip, region} -> {ms}", "round trip to a region"},
    CatalogEntry{"loadFn", "{region} -> {load}", "load of a region, 0 to 1"},
    CatalogEntry{"onExpiry", "{type, id, meta, reason} -> {}", "a retention record expired"},
    CatalogEntry{"onThreat", "{level, threat, peer, ip, ts} -> {}", "a threat was found"},
    CatalogEntry{"onUpload", "recording session -> {}", "a recording is finished"},
    CatalogEntry{"sink", "audit entry -> {}", "an entry of the audit log"},
};

}  // namespace

std::span<const CatalogEntry> event_catalog() noexcept {
  return events;
}
std::span<const CatalogEntry> hook_catalog() noexcept {
  return hooks;
}

bool is_hook(std::string_view name) noexcept {
  return std::any_of(hooks.begin(), hooks.end(), [&](const CatalogEntry& hook) { return hook.name == name; });
}

bool matches_pattern(std::string_view name, std::string_view pattern) noexcept {
  // Greedy with one point to go back to: linear in practice, and never worse than the product of the sizes.
  std::size_t n = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t after = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++after;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace sluice
