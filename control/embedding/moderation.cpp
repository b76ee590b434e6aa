#include "sluice/moderation.hpp"

#include <algorithm>
#include <utility>

#include "control/embedding/answer_parts.hpp"
#include "control/embedding/optional_members.hpp"

namespace sluice::rooms {

using embedding::list_in;
using embedding::put;

namespace {

Json tree_of(const ModerationBusOptions& options) {
  Json tree = Json::object();
  put(tree, "allowSelfUnmute", options.allowSelfUnmute);
  return tree;
}

Json tree_of(const E2EKeyExchangeOptions& options) {
  Json tree = Json::object();
  put(tree, "requireKeyOnJoin", options.requireKeyOnJoin);
  put(tree, "keyAnnouncementTimeoutMs", options.keyAnnouncementTimeoutMs);
  put(tree, "allowedCurves", options.allowedCurves);
  return tree;
}

}  // namespace

ModerationBus::ModerationBus(const ModerationBusOptions& options) : Module("moderationBus", tree_of(options)) {}

bool ModerationBus::act(const char* method, const ModerationAct& act) const {
  Json params{{"roomId", act.roomId}, {"actorId", act.actorId}};
  if (!act.targetId.empty()) params["targetId"] = act.targetId;
  if (!act.reason.empty()) params["reason"] = act.reason;
  return embedding::done([&] { return ask(method, std::move(params)); });
}
bool ModerationBus::mute(const ModerationAct& what) const {
  return act("moderation.mute", what);
}
bool ModerationBus::unmute(const ModerationAct& what) const {
  return act("moderation.unmute", what);
}
bool ModerationBus::kick(const ModerationAct& what) const {
  return act("moderation.kick", what);
}
bool ModerationBus::warn(const ModerationAct& what) const {
  return act("moderation.warn", what);
}
bool ModerationBus::lockRoom(const std::string& roomId, const std::string& actorId) const {
  return act("moderation.lock", {.roomId = roomId, .actorId = actorId});
}
bool ModerationBus::unlockRoom(const std::string& roomId, const std::string& actorId) const {
  return act("moderation.unlock", {.roomId = roomId, .actorId = actorId});
}
bool ModerationBus::isMuted(const std::string& roomId, const std::string& peerId) const {
  const auto muted = embedding::texts_in(ask("moderation.state", {{"roomId", roomId}}), "muted");
  return std::find(muted.begin(), muted.end(), peerId) != muted.end();
}
bool ModerationBus::isLocked(const std::string& roomId) const {
  return embedding::flag_in(ask("moderation.state", {{"roomId", roomId}}), "locked");
}
std::vector<Json> ModerationBus::log(const ModerationQuery& query) const {
  Json params{{"limit", query.limit}};
  put(params, "roomId", query.roomId);
  put(params, "actorId", query.actorId);
  return list_in(ask("moderation.log", std::move(params)), "entries");
}

E2EKeyExchange::E2EKeyExchange(const E2EKeyExchangeOptions& options) : Module("e2eKeyExchange", tree_of(options)) {}
std::optional<Json> E2EKeyExchange::getPeerKey(const std::string& roomId, const std::string& peerId) const {
  for (const Json& key : getRoomKeys(roomId))
    if (key.value("peerId", std::string()) == peerId) return key;
  return std::nullopt;
}
std::vector<Json> E2EKeyExchange::getRoomKeys(const std::string& roomId) const {
  return list_in(ask("e2e.keys", {{"roomId", roomId}}), "keys");
}
std::vector<Json> E2EKeyExchange::stats() const {
  return list_in(ask("e2e.stats"), "rooms");
}

}  // namespace sluice::rooms
