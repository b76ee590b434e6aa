#include "control/signaling/payloads/moderation_payloads.hpp"

#include <array>
#include <utility>

#include "control/signaling/native/server_messages.hpp"

namespace sluice {
namespace {

using Action = ModerationBus::Outcome (ModerationBus::*)(const ModerationBus::Act&);
constexpr std::array<std::pair<std::string_view, Action>, 6> actions{{{"mute", &ModerationBus::mute},
                                                                      {"unmute", &ModerationBus::unmute},
                                                                      {"kick", &ModerationBus::kick},
                                                                      {"warn", &ModerationBus::warn},
                                                                      {"lock:room", &ModerationBus::lock_room},
                                                                      {"unlock:room", &ModerationBus::unlock_room}}};

}  // namespace

void ModerationPayloads::handle(const PeerId& from, const JsonObject& payload, TimePoint now) {
  (void)now;
  const Peer* actor = rooms_.find_peer(from);
  if (actor == nullptr || !actor->room()) return;
  const std::string name = payload.text("__mod").value_or("");
  const auto text = [&](std::string_view key) { return payload.text(key).value_or(""); };
  if (name == "report:abuse") {
    // Clients of the documentation write their words into `reason`.
    const auto detail = payload.text("detail");
    return moderation_.report({from, text("targetId"), text("category"), detail ? *detail : text("reason")});
  }
  for (const auto& [known, action] : actions) {
    if (name != known) continue;
    const ModerationBus::Act act{*actor->room(), PeerId(text("targetId")), from.value, text("reason")};
    const auto outcome = (moderation_.*action)(act);
    if (outcome || outcome.error() != ModerationError::unauthorized) return;  // a target elsewhere: nothing happens
    return (void)rooms_.post(from, native::error("MOD_UNAUTHORIZED").string("action", name).finish());
  }
  JsonWriter error = native::error("MOD_UNKNOWN_ACTION");
  error.raw("action", payload.find("__mod")->raw());
  (void)rooms_.post(from, error.finish());
}

}  // namespace sluice
