// What the modules of this group do, by the names that operators know.
#include <string>
#include <vector>

#include "control/app/policy_modules.hpp"

namespace sluice::app {
namespace {

using nlohmann::json;

json names_of(ConsentTypes types) {
  return json::parse(types_json(types));
}

void tell_moderation(EventFeed& events, const ModerationEntry& entry) {
  json data{{"action", entry.action},     {"actorId", entry.actor}, {"targetId", nullptr},
            {"roomId", entry.room.value}, {"reason", entry.reason}, {"ts", entry.ts}};
  if (!entry.target.empty()) data["targetId"] = entry.target;
  // Both the documentation's name and the program's.
  if (entry.action == "mute") events.emit("muted", data);
  if (entry.action == "unmute") events.emit("unmuted", data);
  if (entry.action == "kick") events.emit("kicked", data);
  if (entry.action == "lock:room") events.emit("room:locked", {{"roomId", entry.room.value}, {"actorId", entry.actor}});
  if (entry.action == "unlock:room") events.emit("room:unlocked", {{"roomId", entry.room.value}, {"actorId", entry.actor}});
  for (const char* name : {"mute", "unmute", "kick", "warn"})
    if (entry.action == name) events.emit(name, data);
  events.emit("action", data);
}

void tell_residency(EventFeed& events, const ResidencyViolated& fact, const std::string& local_region, std::int64_t ts) {
  json data{{"code", to_string(fact.code)}, {"ts", ts}, {"roomId", fact.room.value}, {"localRegion", local_region}};
  const bool peer = fact.code == ResidencyViolated::Code::peer_region_mismatch;
  data[peer ? "peerRegion" : "roomRegion"] = fact.region;
  if (peer) data["peerId"] = fact.peer.value;
  events.emit("violation", data);
  if (fact.rejected || !peer) events.emit(peer ? "peer:rejected" : "room:rejected", data);
}

}  // namespace

std::vector<Bus::Subscription> follow_policy_events(FeatureContext& context) {
  std::vector<Bus::Subscription> subscriptions;
  EventFeed& events = context.events;
  const auto on = [&]<typename Fact>(auto tell) {
    subscriptions.push_back(context.bus.subscribe<Fact>([&events, tell](const Fact& fact) {
      if (events.heard()) tell(events, fact);
    }));
  };
  on.template operator()<PolicyIssued>([](EventFeed& feed, const PolicyIssued& fact) {
    feed.emit("policy:issued", {{"sub", fact.subject}, {"roomId", fact.room}, {"role", fact.role}});
  });
  on.template operator()<PolicyVerified>([](EventFeed& feed, const PolicyVerified& fact) {
    json data{{"valid", fact.valid}};
    data[fact.valid ? "sub" : "reason"] = fact.valid ? fact.subject : fact.reason;
    feed.emit("policy:verified", data);
  });
  on.template operator()<PolicyViolated>([](EventFeed& feed, const PolicyViolated& fact) {
    json data{{"peerId", fact.peer.value}, {"roomId", fact.room.value}, {"code", fact.code}};
    if (!fact.reason.empty()) data["reason"] = fact.reason;
    feed.emit("policy:violation", data);
  });
  on.template operator()<CapabilitiesChanged>([](EventFeed& feed, const CapabilitiesChanged& fact) {
    feed.emit("policy:changed", {{"peerId", fact.peer.value},
                                 {"roomId", fact.room.value},
                                 {"caps", json::parse(capabilities_json(fact.capabilities))}});
  });
  on.template operator()<PeerRestricted>([](EventFeed& feed, const PeerRestricted& fact) {
    feed.emit("media:restricted", {{"peerId", fact.peer.value},
                                   {"roomId", fact.room.value},
                                   {"maySend", fact.restrictions.may_send()},
                                   {"mayReceive", fact.restrictions.may_receive()},
                                   {"epoch", fact.restrictions.epoch}});
  });
  on.template operator()<ConsentRequired>([](EventFeed& feed, const ConsentRequired& fact) {
    feed.emit("consent:required",
              {{"peerId", fact.peer.value}, {"roomId", fact.room.value}, {"types", names_of(fact.types)}});
  });
  on.template operator()<ConsentGranted>([](EventFeed& feed, const ConsentGranted& fact) {
    feed.emit("consent:granted", json::parse(record_json(fact.record)));
  });
  on.template operator()<ConsentWithdrawn>([](EventFeed& feed, const ConsentWithdrawn& fact) {
    feed.emit("consent:withdrawn", {{"peerId", fact.peer.value},
                                    {"roomId", fact.room.value},
                                    {"types", names_of(fact.types)},
                                    {"remaining", names_of(fact.remaining)}});
  });
  on.template operator()<RoomConsentCompleted>([](EventFeed& feed, const RoomConsentCompleted& fact) {
    feed.emit("room:consent:complete", {{"roomId", fact.room.value}, {"type", to_string(fact.type)}});
  });
  on.template operator()<ModerationDone>(
      [](EventFeed& feed, const ModerationDone& fact) { tell_moderation(feed, fact.entry); });
  on.template operator()<AbuseReported>([](EventFeed& feed, const AbuseReported& fact) {
    feed.emit("abuse:reported", {{"reporterId", fact.reporter},
                                 {"targetId", fact.target.empty() ? json() : json(fact.target)},
                                 {"roomId", fact.room.value},
                                 {"category", fact.category},
                                 {"detail", fact.detail},
                                 {"ts", fact.ts}});
  });
  on.template operator()<E2eKeyChanged>([](EventFeed& feed, const E2eKeyChanged& fact) {
    const char* name = fact.what == E2eKeyChanged::What::announced ? "key:announced"
                       : fact.what == E2eKeyChanged::What::rotated ? "key:rotated"
                                                                   : "key:revoked";
    feed.emit(name, {{"roomId", fact.room.value}, {"peerId", fact.peer.value}, {"version", fact.version}});
  });
  if (context.config.policy.data_residency) subscriptions.push_back(follow_residency_events(context));
  return subscriptions;
}

Bus::Subscription follow_residency_events(FeatureContext& context) {
  return context.bus.subscribe<ResidencyViolated>(
      [&events = context.events, local = context.config.policy.data_residency->local_region, now = context.now,
       unix_ms = context.unix_ms](const ResidencyViolated& fact) {
        if (events.heard()) tell_residency(events, fact, local, unix_ms(now()));
      });
}

}  // namespace sluice::app
