// moderation.*
#include <string>
#include <utility>

#include "control/app/operation_answers.hpp"
#include "control/app/policy_modules.hpp"

namespace sluice::app {
namespace {

using nlohmann::json;
using Action = ModerationBus::Outcome (ModerationBus::*)(const ModerationBus::Act&);

const Operation::Parameter room_parameter{"roomId", "string", true, "the room"};
const Operation::Parameter target_parameter{"targetId", "string", true, "the member concerned"};
const Operation::Parameter actor_parameter{"actorId", "string", false,
                                           "who does it: a member, whose capability counts, or system (default)"};
const Operation::Parameter reason_parameter{"reason", "string", false, "told to the member and logged"};

void add_action(FeatureContext& context, ModerationBus& moderation, const char* name, const char* summary, Action action,
                bool targeted, const char* default_reason) {
  std::vector<Operation::Parameter> parameters{room_parameter};
  if (targeted) parameters.push_back(target_parameter);
  parameters.insert(parameters.end(), {actor_parameter, reason_parameter});
  context.operations.add(
      {std::string("moderation.") + name, summary, std::move(parameters), "{done: true}",
       answering([&moderation, action, targeted,
                  reason = std::string(default_reason)](const json& params) -> OperationResult {
         const ModerationBus::Act act{RoomId(parameter<std::string>(params, "roomId")),
                                      PeerId(parameter<std::string>(params, "targetId")),
                                      parameter<std::string>(params, "actorId", std::string(ModerationBus::system_actor)),
                                      parameter<std::string>(params, "reason", reason)};
         const auto outcome = (moderation.*action)(act);
         if (outcome) return json{{"done", true}};
         if (outcome.error() == ModerationError::unauthorized) {
           return operation_error(OperationFailure::refused, "The actor lacks the capability.");
         }
         return operation_error(OperationFailure::not_found, targeted ? "Peer not found in this room" : "Room not found");
       })});
}

OperationResult read_log(const ModerationBus& moderation, const json& params) {
  const auto limit = parameter<std::int64_t>(params, "limit", 100);
  if (limit < 0) return operation_error(OperationFailure::invalid_params, "'limit' must be 0 or more.");
  ModerationBus::LogQuery query;
  query.limit = static_cast<std::size_t>(limit);
  if (const auto room = parameter<std::string>(params, "roomId"); !room.empty()) query.room = RoomId(room);
  if (const auto actor = parameter<std::string>(params, "actorId"); !actor.empty()) query.actor = actor;
  json entries = json::array();
  for (const ModerationEntry& entry : moderation.log(query)) entries.push_back(json::parse(entry_json(entry)));
  const std::size_t count = entries.size();
  return json{{"entries", std::move(entries)}, {"count", count}};
}

}  // namespace

void add_moderation_operations(FeatureContext& context, PolicyModules& modules) {
  if (!modules.moderation) return;
  ModerationBus& moderation = *modules.moderation;
  add_action(context, moderation, "mute", "Forwards nothing more that a member sends", &ModerationBus::mute, true, "");
  add_action(context, moderation, "unmute", "Ends a mute", &ModerationBus::unmute, true, "");
  add_action(context, moderation, "kick", "Puts a member out", &ModerationBus::kick, true, "Removed by moderator");
  add_action(context, moderation, "warn", "Warns a member", &ModerationBus::warn, true, "");
  add_action(context, moderation, "lock", "Lets nobody more into a room", &ModerationBus::lock_room, false, "");
  add_action(context, moderation, "unlock", "Ends a lock", &ModerationBus::unlock_room, false, "");
  context.operations.add({"moderation.log",
                          "What moderators did, newest last",
                          {{"roomId", "string", false, "only of this room"},
                           {"actorId", "string", false, "only by this actor"},
                           {"limit", "integer", false, "default 100"}},
                          "{entries: [{action, actorId, targetId, roomId, reason, ts}], count}",
                          answering([&moderation](const json& params) { return read_log(moderation, params); })});
  context.operations.add({"moderation.state",
                          "Who is muted in a room, and whether it is locked",
                          {room_parameter},
                          "{roomId, locked, muted: [peerId]}",
                          answering([&moderation](const json& params) -> OperationResult {
                            const RoomId room(parameter<std::string>(params, "roomId"));
                            json muted = json::array();
                            for (const PeerId& peer : moderation.muted_in(room)) muted.push_back(peer.value);
                            return json{{"roomId", room.value}, {"locked", moderation.is_locked(room)}, {"muted", muted}};
                          })});
}

}  // namespace sluice::app
