#include "control/api/event_catalog.hpp"

#include <algorithm>
#include <array>

namespace sluice {

namespace {

constexpr std::array events{
    CatalogEntry{"abuse:reported", "reporterId, targetId, roomId, category, detail, ts", "somebody reported abuse"},
    CatalogEntry{"action", "action, actorId, targetId, roomId, reason, ts", "any moderation"},
    CatalogEntry{"alert", "id, event, severity, message, context, ts, recovered", "an alert"},
    CatalogEntry{"alert:suppressed", "event, context", "an alert that was a repeat within the window"},
    CatalogEntry{"answer", "roomId, from, to, body", "a member answered an offer; only sent to who asks for it by name"},
    CatalogEntry{"audit:health", "healthy, problem", "the audit log cannot be written, or can be again"},
    CatalogEntry{"ban", "ip, until", "an address was banned by the threat detector or an operator"},
    CatalogEntry{"config:changed", "path, value, previous", "configuration changed while running"},
    CatalogEntry{"connection:blocked", "ip", "a connection was refused by limit or ban"},
    CatalogEntry{"consent:granted", "peerId, roomId, types, version, grantedAt", "consent was given"},
    CatalogEntry{"consent:required", "peerId, roomId, types", "a member was asked for consent"},
    CatalogEntry{"consent:withdrawn", "peerId, roomId, types, remaining", "consent was withdrawn"},
    CatalogEntry{"consumer:closed", "consumer {id, roomId, subscriberPeerId, producerId}, roomId", "a subscription ended"},
    CatalogEntry{"consumer:created", "consumer, roomId", "a member subscribed to a stream"},
    CatalogEntry{"data", "roomId, from, to, payload",
                 "a member sent data (`to` null: to all), relayed or for modules; only sent to who asks for it by name"},
    CatalogEntry{"data:expired", "id, type, sub, reason", "a retention record was deleted"},
    CatalogEntry{"data:purged", "sub, purged, held", "all records of a subject were erased"},
    CatalogEntry{"delivery:failed", "event, endpoint, failedAt, error; of an alert: channel, alert, error",
                 "a webhook or alert could not be delivered"},
    CatalogEntry{"delivery:retry", "event, endpoint, attempt, retryIn", "a webhook will be tried again"},
    CatalogEntry{"delivery:success", "event, endpoint, attempt", "a webhook was delivered"},
    CatalogEntry{"event:recorded", "seq, type, roomId, peerId, payload, ts", "the replay log took an event"},
    CatalogEntry{"flag:changed", "flag, value, scope", "a feature flag changed"},
    CatalogEntry{"flag:cleared", "scope", "feature flags of a room or tenant were cleared"},
    CatalogEntry{"gap:detected", "peerId, roomId", "events that a client missed are no longer in the replay log"},
    CatalogEntry{"health:check", "checks", "the objectives were judged"},
    CatalogEntry{"health:trouble", "part, problem, severity", "a part of the server cannot do all of its work"},
    CatalogEntry{"health:well", "part", "it can again"},
    CatalogEntry{"hold:placed", "sub", "a legal hold was placed on a subject"},
    CatalogEntry{"hold:released", "sub", "a legal hold was released"},
    CatalogEntry{"ice-candidate", "roomId, from, to, body",
                 "a member sent an ICE candidate; only sent to who asks for it by name"},
    CatalogEntry{"ip:banned", "ip, until", "an address was banned by the rate limiter"},
    CatalogEntry{"join:rejected", "peerId, roomId, reason", "a join was refused"},
    CatalogEntry{"key:announced", "roomId, peerId, version", "a member announced an end-to-end key"},
    CatalogEntry{"key:revoked", "roomId, peerId, version", "a member with a key left"},
    CatalogEntry{"key:rotated", "roomId, peerId, version", "a member changed its key"},
    CatalogEntry{"kick", "action, actorId, targetId, roomId, reason, ts", "a moderator put a member out"},
    CatalogEntry{"kicked", "as kick", "the same, by the other name of the contract"},
    CatalogEntry{"layer:changed", "consumerId, peerId, layer",
                 "another layer of a stream is forwarded to a subscriber; layer null: none"},
    CatalogEntry{"load:critical", "level, heapRatio, peerRatio", "no more joins"},
    CatalogEntry{"load:elevated", "level, heapRatio, peerRatio", "joins are slowed down"},
    CatalogEntry{"load:high", "level, heapRatio, peerRatio", "joiners are warned"},
    CatalogEntry{"load:normal", "level, heapRatio, peerRatio", "load is back to normal"},
    CatalogEntry{"load:shedding", "level, heapRatio, peerRatio", "peers are put out"},
    CatalogEntry{"media:restricted", "peerId, roomId", "what the data plane forwards of a peer changed"},
    CatalogEntry{"metrics", "as metrics.snapshot", "a sample of the metrics"},
    CatalogEntry{"module:attached", "module", "a module was attached while the server runs"},
    CatalogEntry{"mute", "action, actorId, targetId, roomId, reason, ts", "a member was muted"},
    CatalogEntry{"muted", "as mute", "the same, by the other name of the contract"},
    CatalogEntry{"offer", "roomId, from, to, body",
                 "a member made an offer (`to` __sfu__: to the server); only sent to who asks for it by name"},
    CatalogEntry{"peer:connected", "peerId, dialect, ip", "a connection opened"},
    CatalogEntry{"peer:disconnected", "peerId", "a peer is gone from the peer table"},
    CatalogEntry{"peer:joined", "peer, roomId", "a peer was admitted to a room"},
    CatalogEntry{"peer:kicked", "peerId, roomId, reason, by", "a peer is put out; peer:left follows if it was in a room"},
    CatalogEntry{"peer:left", "peer, roomId, cause",
                 "a peer left: left, dropped, hold_expired, kicked, room_destroyed, shed or idle"},
    CatalogEntry{"peer:reconnected", "peer, roomId", "a held peer resumed by its token"},
    CatalogEntry{"peer:rejected", "peerId, roomId, peerRegion, localRegion", "a join was refused by residency"},
    CatalogEntry{"peer:suspended", "peerId, roomId", "a connection was lost, the peer keeps its place"},
    CatalogEntry{"peer:updated", "peerId, roomId, patch", "a peer's metadata changed"},
    CatalogEntry{"policy:changed", "peerId, roomId, caps", "capabilities of a member changed"},
    CatalogEntry{"policy:issued", "sub, roomId, role", "a policy token was made"},
    CatalogEntry{"policy:verified", "sub, roomId, role", "a policy token was found good"},
    CatalogEntry{"policy:violation", "peerId, roomId, code, reason", "a policy refused something"},
    CatalogEntry{"producer:closed", "producer {id, peerId, roomId, kind}, roomId", "a stream ended"},
    CatalogEntry{"producer:created", "producer, roomId", "a member publishes a stream"},
    CatalogEntry{"producer:paused", "producerId, peerId, roomId", "a publisher paused a stream"},
    CatalogEntry{"producer:resumed", "producerId, peerId, roomId", "a publisher resumed a stream"},
    CatalogEntry{"purge:complete", "purged, held", "expired records were deleted"},
    CatalogEntry{"record:held", "the record", "an expired record is on hold"},
    CatalogEntry{"record:purged", "the record", "an expired record was deleted"},
    CatalogEntry{"replayed", "peerId, roomId, count, fromSeq, toSeq", "missed events were sent to a resumed client"},
    CatalogEntry{"room:consent:complete", "roomId, type", "everybody in a room consented"},
    CatalogEntry{"room:created", "room, roomId", "a room was made"},
    CatalogEntry{"room:destroyed", "roomId", "a room ended"},
    CatalogEntry{"room:locked", "roomId, actorId", "a room was locked"},
    CatalogEntry{"room:rejected", "roomId, roomRegion, localRegion", "a room was refused by residency"},
    CatalogEntry{"room:unlocked", "roomId, actorId", "a lock ended"},
    CatalogEntry{"room:updated", "roomId, patch", "a room's metadata changed"},
    CatalogEntry{"session:created", "the session", "a session began"},
    CatalogEntry{"session:expired", "the session", "a session's time is over"},
    CatalogEntry{"session:migrated", "the session", "a session moved"},
    CatalogEntry{"session:quarantined", "peerId, roomId",
                 "two crashes of a media worker had this peer's packets in hand: its media is shut out"},
    CatalogEntry{"session:resumed", "the session", "a session was resumed"},
    CatalogEntry{"session:suspended", "the session", "a session waits for its client"},
    CatalogEntry{"signal:blocked", "peerId", "a message was dropped by the rate limit"},
    CatalogEntry{"slo:breach", "slo, actual, current, target, severity", "an objective is missed"},
    CatalogEntry{"slo:recovered", "slo, actual, target", "an objective is met again"},
    CatalogEntry{"slo:recovery", "as slo:recovered", "the same, by the other name of the contract"},
    CatalogEntry{"span:finished", "the span", "a span of the tracer ended"},
    CatalogEntry{"speaker:changed", "roomId, peerId, producerId, previousPeerId",
                 "another member speaks, by the levels of its sound; peerId null: nobody for ten seconds"},
    CatalogEntry{"threat", "level, threat, peer, ip, ts", "the threat detector found something"},
    CatalogEntry{"transport:closed", "peerId, reason", "a peer's media transport ended without its doing"},
    CatalogEntry{"transport:connected", "peerId, roomId", "a peer's media transport is up"},
    CatalogEntry{"unban", "ip", "a ban was lifted"},
    CatalogEntry{"unmute", "action, actorId, targetId, roomId, reason, ts", "a mute ended"},
    CatalogEntry{"unmuted", "as unmute", "the same, by the other name of the contract"},
    CatalogEntry{"violation", "code, ts, peerId, roomId", "residency was violated"},
    CatalogEntry{"warn", "action, actorId, targetId, roomId, reason, ts", "a member was warned"},
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
    CatalogEntry{"onPurge", "{sub, records} -> {}", "the records of a subject were erased"},
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
