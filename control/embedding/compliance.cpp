#include "sluice/compliance.hpp"

#include <algorithm>
#include <utility>

#include "control/embedding/answer_parts.hpp"
#include "control/embedding/optional_members.hpp"

namespace sluice::rooms {

using embedding::list_in;
using embedding::put;

namespace {

Json tree_of(const ConsentFlowOptions& options) {
  Json tree = Json::object();
  put(tree, "required", options.required);
  put(tree, "allParty", options.allParty);
  put(tree, "consentVersion", options.consentVersion);
  put(tree, "consentTimeoutMs", options.consentTimeoutMs);
  return tree;
}

Json tree_of(const DataResidencyOptions& options) {
  Json tree{{"localRegion", options.localRegion}};
  put(tree, "allowedRegions", options.allowedRegions);
  put(tree, "enforceRoomRegion", options.enforceRoomRegion);
  put(tree, "enforcePeerRegion", options.enforcePeerRegion);
  put(tree, "violationAction", options.violationAction);
  return tree;
}

Json tree_of(const RetentionPolicyOptions& options) {
  Json tree = Json::object();
  put(tree, "recordingRetentionDays", options.recordingRetentionDays);
  put(tree, "auditLogRetentionDays", options.auditLogRetentionDays);
  put(tree, "sessionRetentionDays", options.sessionRetentionDays);
  put(tree, "sweepIntervalMs", options.sweepIntervalMs);
  return tree;
}

}  // namespace

// --- ConsentFlow ----------------------------------------------------------------------------------------------------------

ConsentFlow::ConsentFlow(const ConsentFlowOptions& options) : Module("consentFlow", tree_of(options)) {}
std::optional<Json> ConsentFlow::getConsent(const std::string& roomId, const std::string& peerId) const {
  std::optional<Json> record;
  const bool found = embedding::done([&] {
    return (record = ask("consent.get", {{"roomId", roomId}, {"peerId", peerId}})).has_value();
  });
  return found ? record : std::nullopt;
}
bool ConsentFlow::hasConsented(const std::string& roomId, const std::string& peerId, const std::string& type) const {
  const auto record = getConsent(roomId, peerId);
  if (!record) return false;
  const auto types = embedding::texts_in(*record, "types");
  return std::find(types.begin(), types.end(), type) != types.end();
}
bool ConsentFlow::roomHasConsent(const std::string& roomId, const std::string& type) const {
  Json room;
  if (!embedding::done([&] { return (room = ask("rooms.get", {{"roomId", roomId}})).is_object(); })) return false;
  const std::vector<Json> members = list_in(room, "peers");
  const std::vector<Json> records = getRoomConsents(roomId);
  const auto consented = [&](const Json& member) {
    return std::any_of(records.begin(), records.end(), [&](const Json& record) {
      const auto types = embedding::texts_in(record, "types");
      return record.value("peerId", std::string()) == member.value("id", std::string()) &&
             std::find(types.begin(), types.end(), type) != types.end();
    });
  };
  return !members.empty() && std::all_of(members.begin(), members.end(), consented);
}
std::vector<Json> ConsentFlow::getRoomConsents(const std::string& roomId) const {
  return list_in(ask("consent.list", {{"roomId", roomId}}), "records");
}
void ConsentFlow::recordConsent(const std::string& roomId, const std::string& peerId,
                                const std::vector<std::string>& types) const {
  (void)ask("consent.grant", {{"roomId", roomId}, {"peerId", peerId}, {"types", types}});
}
std::vector<Json> ConsentFlow::stats() const {
  return list_in(ask("consent.stats"), "rooms");
}

// --- DataResidency --------------------------------------------------------------------------------------------------------

DataResidency::DataResidency(DataResidencyOptions options) : Module("dataResidency", tree_of(options)) {
  if (!options.geoLookup) return;
  answer("geoLookup", [lookup = std::move(options.geoLookup)](const Json& request) {
    const std::string region = lookup(request.value("ip", std::string()));
    return Json{{"region", region.empty() ? Json(nullptr) : Json(region)}};
  });
}
bool DataResidency::isAllowed(const std::string& region) const {
  const Json& set = options();
  if (!set.contains("allowedRegions")) return region == set.at("localRegion").get<std::string>();
  const auto allowed = embedding::texts_in(set, "allowedRegions");
  return std::find(allowed.begin(), allowed.end(), region) != allowed.end();
}
std::optional<std::string> DataResidency::resolveRegion(const std::string& ip) const {
  const auto region = embedding::part_in(ask("residency.resolve", {{"ip", ip}}), "region");
  if (!region || !region->is_string()) return std::nullopt;
  return region->get<std::string>();
}
Json DataResidency::tag(Json object) const {
  object["__region"] = options().at("localRegion");
  return object;
}
Json DataResidency::stats() const {
  return ask("residency.stats");
}

// --- RetentionPolicy ------------------------------------------------------------------------------------------------------

RetentionPolicy::RetentionPolicy(RetentionPolicyOptions options) : Module("retentionPolicy", tree_of(options)) {
  if (options.onExpiry) {
    answer("onExpiry", [handler = std::move(options.onExpiry)](const Json& record) {
      handler(record);
      return Json::object();
    });
  }
  if (options.onPurge) {
    answer("onPurge", [handler = std::move(options.onPurge)](const Json& purge) {
      handler(purge);
      return Json::object();
    });
  }
}
Json RetentionPolicy::registerRecord(const RetentionRecord& record) const {
  return ask("retention.register", {{"id", record.id}, {"type", record.type}, {"sub", record.sub}, {"meta", record.meta}});
}
void RetentionPolicy::placeLegalHold(const std::string& sub) const {
  (void)ask("retention.hold", {{"sub", sub}});
}
void RetentionPolicy::releaseLegalHold(const std::string& sub) const {
  (void)ask("retention.release", {{"sub", sub}});
}
Json RetentionPolicy::purge(bool dryRun) const {
  return ask("retention.purge", {{"dryRun", dryRun}});
}
Json RetentionPolicy::purge(const std::string& sub) const {
  return ask("retention.purge", {{"sub", sub}});
}
std::int64_t RetentionPolicy::anonymise(const std::string& sub) const {
  return embedding::number_in(ask("retention.anonymise", {{"sub", sub}}), "anonymised");
}
std::vector<Json> RetentionPolicy::recordsFor(const std::string& sub) const {
  return list_in(ask("retention.records", {{"sub", sub}}), "records");
}
std::vector<Json> RetentionPolicy::expiringWithin(std::int64_t ms) const {
  return list_in(ask("retention.expiring", {{"withinMs", ms}}), "records");
}
Json RetentionPolicy::stats() const {
  return ask("retention.stats");
}

}  // namespace sluice::rooms
