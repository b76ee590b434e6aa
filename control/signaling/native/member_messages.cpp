// What members send (contract sections 6 to 8).
#include <algorithm>
#include <array>
#include <utility>

#include "control/signaling/native/native_dialect.hpp"
#include "control/signaling/native/server_messages.hpp"
#include "control/signaling/native/sfu_signaling.hpp"

namespace sluice {

void NativeDialect::handle_member(ConnectionId id, const PeerId& peer, const JsonObject& message, const std::string& type,
                                  TimePoint now) {
  sessions_.confirm(peer);
  if (type == "offer" || type == "answer") return relay(peer, message, type, "sdp", now);
  if (type == "ice-candidate") return relay(peer, message, type, "candidate", now);
  if (type == "data") return data(peer, message, now);
  if (type == "metadata") return metadata(peer, message);
  if (type == "leave") {
    find(id)->phase = Phase::outside;
    rooms_.leave(peer, LeaveCause::left);
  }
}

void NativeDialect::relay(const PeerId& from, const JsonObject& message, const std::string& type, std::string_view key,
                          TimePoint now) {
  const auto target = message.text("target");
  const auto body = message.find(key);
  if (!target || !body || !body->truthy()) return;
  const std::optional<RoomId> room = rooms_.find_peer(from)->room();
  if (sfu_ != nullptr && *target == sfu_peer_id) {
    if (room) bus_.publish(SignalRelayed{*room, from, *target, type, std::string(body->raw())});
    return sfu_->negotiate(from, type, *body, now);
  }
  const PeerId to(*target);
  if (!rooms_.same_room(from, to)) return;
  outbox_.send(to, native::relayed(type, from.value, key, body->raw()));
  if (room) bus_.publish(SignalRelayed{*room, from, *target, type, std::string(body->raw())});
}

void NativeDialect::data(const PeerId& from, const JsonObject& message, TimePoint now) {
  const auto payload = message.find("payload");
  if (!payload) return outbox_.send(from, native::error_text("MISSING_PAYLOAD", "data needs a payload"));
  const std::optional<RoomId> room = rooms_.find_peer(from)->room();  // a module may put the sender out
  const Payload kind = hand_over(from, *payload, now);
  std::optional<PeerId> target;
  if (message.truthy("target")) target = PeerId(message.text("target").value_or(""));  // not a string: nobody's id
  if (kind == Payload::consumed) {
    if (room) bus_.publish(ControlPayloadTaken{*room, from, target, std::string(payload->raw())});
    return;
  }
  if (kind == Payload::application && !rooms_.allows(from, MemberAction::data)) {
    return outbox_.send(from, native::policy_denied("data"));
  }
  rooms_.relay_data(from, target, std::string(payload->raw()));
}

NativeDialect::Payload NativeDialect::hand_over(const PeerId& from, const JsonView& payload, TimePoint now) {
  if (payload.kind() != JsonKind::object || modules_.empty()) return Payload::application;
  const auto object = JsonObject::of(payload);
  if (!object) {
    // A key twice, or very many members: fine for application data, but no module gets to read it, nor may a control
    // payload slip through to the room in this form.
    const bool control = std::any_of(modules_.begin(), modules_.end(), [&](const ControlPayloadModule* module) {
      return payload.raw().find('"' + std::string(module->discriminator()) + '"') != std::string_view::npos;
    });
    return control ? Payload::consumed : Payload::application;
  }
  bool handled = false;
  bool relayable = options_.relay_control_payloads;
  for (ControlPayloadModule* module : modules_) {
    if (!object->truthy(module->discriminator())) continue;
    handled = true;
    relayable = relayable && module->relayable(*object);
    module->handle(from, *object, now);
  }
  if (!handled) return Payload::application;
  return relayable ? Payload::relayed_control : Payload::consumed;
}

void NativeDialect::metadata(const PeerId& from, const JsonObject& message) {
  const auto patch = message.find("patch");
  const auto object = patch ? JsonObject::of(*patch) : std::nullopt;
  if (!object) return outbox_.send(from, native::error_text("INVALID_METADATA_PATCH", "patch must be an object"));
  Metadata accepted;
  for (const auto& [key, value] : object->members()) {
    if (is_reserved_key(key)) {
      return outbox_.send(from, native::error("INVALID_METADATA_KEY").string("key", key).finish());
    }
    if (value.kind() == JsonKind::array || value.kind() == JsonKind::object) {
      return outbox_.send(from, native::error("INVALID_METADATA_VALUE").string("key", key).finish());
    }
    accepted.append(key, value.well_formed());
  }
  if (!rooms_.patch_peer_metadata(from, accepted)) {
    outbox_.send(from, native::error_text("INVALID_METADATA_PATCH", "Metadata too large"));
  }
}

}  // namespace sluice
