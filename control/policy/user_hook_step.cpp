#include "control/policy/user_hook_step.hpp"

#include <utility>

namespace sluice {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json peer_json(const AdmissionRequest& request) {
  Json metadata = Json::object();
  for (const auto& [key, value] : request.metadata.entries()) {
    auto parsed = Json::parse(value, nullptr, false);
    metadata[key] = parsed.is_discarded() ? Json() : std::move(parsed);
  }
  return {{"id", request.peer.value}, {"roomId", nullptr}, {"state", "connecting"}, {"metadata", std::move(metadata)}};
}

Refuse refusal(const std::string& reason) {
  Refuse refuse;
  if (!reason.empty()) refuse.message = reason;
  return refuse;
}

}  // namespace

UserHookStep::UserHookStep(Rooms& rooms, Hooks& hooks, TimePoint (*now)()) : hooks_(hooks), now_(now) {
  rooms.add_admission_step(*this);
}

void UserHookStep::decide(const AdmissionRequest& request, AdmissionReply reply) {
  if (!hooks_.attached("beforeJoin") && !hooks_.required("beforeJoin")) return reply(Admit{}, request.now);
  const Json body{{"peer", peer_json(request)}, {"roomId", request.room.value}, {"ip", request.ip}};
  hooks_.call("beforeJoin", body, request.now,
              [reply, now = now_](const HookResult& result) { reply(decision_of(result), now()); });
}

AdmissionDecision UserHookStep::decision_of(const HookResult& result) {
  if (!result) return AdmissionFailure{result.error().message};
  const Json& answer = *result;
  const Json& allow = answer.is_object() && answer.contains("allow") ? answer["allow"] : answer;
  if (allow.is_string()) return refusal(allow.get<std::string>());
  if (!allow.is_boolean()) return AdmissionFailure{"the hook's answer does not say whether to allow the join"};
  if (!allow.get<bool>()) {
    const bool reasoned = answer.is_object() && answer.contains("reason") && answer["reason"].is_string();
    return refusal(reasoned ? answer["reason"].get<std::string>() : std::string());
  }
  Admit admit;
  if (answer.is_object() && answer.contains("metadata")) {
    const Json& metadata = answer["metadata"];
    if (!metadata.is_object() && !metadata.is_null()) return AdmissionFailure{"the hook's metadata is not an object"};
    for (const auto& [key, value] : metadata.items()) admit.edits.set(key, text_of(value));
  }
  return admit;
}

}  // namespace sluice
