// consent.*, residency.*, e2e.*
#include <string>
#include <utility>

#include "control/app/operation_answers.hpp"
#include "control/app/policy_modules.hpp"

namespace sluice::app {
namespace {

using nlohmann::json;

const Operation::Parameter room_parameter{"roomId", "string", true, "the room"};
const Operation::Parameter peer_parameter{"peerId", "string", true, "the member"};

json records_json(const std::vector<const ConsentRecord*>& records) {
  json list = json::array();
  for (const ConsentRecord* record : records) list.push_back(json::parse(record_json(*record)));
  return list;
}

OperationResult consent_stats(const ConsentFlow& consent) {
  json rooms = json::array();
  for (const ConsentFlow::RoomStats& room : consent.stats()) {
    rooms.push_back({{"roomId", room.room.value},
                     {"totalPeers", room.peers},
                     {"consented", room.consented},
                     {"allConsented", room.consented == room.peers}});
  }
  return json{{"rooms", std::move(rooms)}, {"records", records_json(consent.all())}};
}

OperationResult grant_consent(ConsentFlow& consent, const json& params) {
  const auto names = texts_parameter(params, "types");
  if (!names) return operation_error(OperationFailure::invalid_params, "'types' must be a list of texts.");
  ConsentTypes types;
  for (const std::string& name : *names) {
    const auto type = parse_consent_type(name);
    if (!type) return operation_error(OperationFailure::invalid_params, "Unknown consent type '" + name + "'.");
    types.add(*type);
  }
  const auto room = parameter<std::string>(params, "roomId");
  const auto peer = parameter<std::string>(params, "peerId");
  if (room.empty() || peer.empty())
    return operation_error(OperationFailure::invalid_params, "'roomId' and 'peerId' are needed.");
  consent.record(RoomId(room), PeerId(peer), types);
  return json{{"granted", true}, {"roomId", room}, {"peerId", peer}, {"types", *names}};
}

}  // namespace

void add_consent_operations(FeatureContext& context, ConsentFlow& consent) {
  context.operations.add({"consent.stats",
                          "Consents of all rooms",
                          {},
                          "{rooms: [{roomId, totalPeers, consented, allConsented}], records}",
                          answering([&consent](const json&) { return consent_stats(consent); })});
  context.operations.add({"consent.list",
                          "Consents of a room",
                          {room_parameter},
                          "{roomId, records}",
                          answering([&consent](const json& params) -> OperationResult {
                            const auto room = parameter<std::string>(params, "roomId");
                            return json{{"roomId", room}, {"records", records_json(consent.in_room(RoomId(room)))}};
                          })});
  context.operations.add({"consent.get",
                          "A member's consent",
                          {room_parameter, peer_parameter},
                          "{peerId, roomId, types, version, grantedAt, ip}",
                          answering([&consent](const json& params) -> OperationResult {
                            const ConsentRecord* record = consent.find(RoomId(parameter<std::string>(params, "roomId")),
                                                                       PeerId(parameter<std::string>(params, "peerId")));
                            if (record == nullptr) return operation_error(OperationFailure::not_found, "Consent not found");
                            return json::parse(record_json(*record));
                          })});
  context.operations.add(
      {"consent.grant",
       "Grants consent for a member",
       {room_parameter, peer_parameter, {"types", "array", true, "recording, processing, sharing, analytics"}},
       "{granted, roomId, peerId, types}",
       answering([&consent](const json& params) { return grant_consent(consent, params); })});
  context.operations.add({"consent.revoke",
                          "Takes back all of a member's consent; its media stops if consent is required",
                          {room_parameter, peer_parameter},
                          "{revoked, roomId, peerId}",
                          answering([&consent](const json& params) -> OperationResult {
                            const auto room = parameter<std::string>(params, "roomId");
                            const auto peer = parameter<std::string>(params, "peerId");
                            consent.revoke(RoomId(room), PeerId(peer));
                            return json{{"revoked", true}, {"roomId", room}, {"peerId", peer}};
                          })});
}

void add_residency_operations(FeatureContext& context, DataResidency& residency) {
  context.operations.add({"residency.stats",
                          "How residency is set and what it remembers",
                          {},
                          "{localRegion, allowedRegions, geoCacheSize, enforceRoom, enforcePeer}",
                          answering([&residency](const json&) -> OperationResult {
                            const DataResidencyOptions& options = residency.options();
                            const DataResidency::Stats stats = residency.stats();
                            return json{
                                {"localRegion", options.local_region},
                                {"allowedRegions", options.allowed_regions},
                                {"geoCacheSize", stats.cached},
                                {"enforceRoom", options.enforce_room_region},
                                {"enforcePeer", options.enforce_peer_region},
                                {"violations", {{"rooms", stats.room_violations}, {"peers", stats.peer_violations}}}};
                          })});
  context.operations.add({"residency.resolve",
                          "The region of an address",
                          {{"ip", "string", true, "the address"}},
                          "{ip, region, allowed}; region null: unknown",
                          [&residency, now = context.now](const json& params, const OperationCaller&, OperationReply reply) {
                            const auto ip = parameter<std::string>(params, "ip");
                            residency.resolve_region(ip, now(),
                                                     [&residency, ip, reply](const std::optional<std::string>& region) {
                                                       reply(json{{"ip", ip},
                                                                  {"region", region ? json(*region) : json()},
                                                                  {"allowed", !region || residency.is_allowed(*region)}});
                                                     });
                          }});
}

void add_e2e_operations(FeatureContext& context, const E2eKeyExchange& e2e) {
  context.operations.add({"e2e.keys",
                          "Public keys of a room's members",
                          {room_parameter},
                          "{roomId, keys: [{peerId, publicKey, curve, announcedAt, version}]}",
                          answering([&e2e](const json& params) -> OperationResult {
                            const auto room = parameter<std::string>(params, "roomId");
                            json keys = json::array();
                            for (const auto& [peer, key] : e2e.room_keys(RoomId(room))) {
                              keys.push_back({{"peerId", peer.value},
                                              {"publicKey", key.public_key},
                                              {"curve", key.curve},
                                              {"announcedAt", key.announced_at},
                                              {"version", key.version}});
                            }
                            return json{{"roomId", room}, {"keys", std::move(keys)}};
                          })});
  context.operations.add({"e2e.stats",
                          "Rooms with keys",
                          {},
                          "{rooms: [{roomId, peerCount}]}",
                          answering([&e2e](const json&) -> OperationResult {
                            json rooms = json::array();
                            for (const auto& room : e2e.stats()) {
                              rooms.push_back({{"roomId", room.room.value}, {"peerCount", room.peers}});
                            }
                            return json{{"rooms", std::move(rooms)}};
                          })});
}

void add_compliance_operations(FeatureContext& context, PolicyModules& modules) {
  if (modules.consent) add_consent_operations(context, *modules.consent);
  if (modules.residency) add_residency_operations(context, *modules.residency);
  if (modules.e2e) add_e2e_operations(context, *modules.e2e);
}

}  // namespace sluice::app
