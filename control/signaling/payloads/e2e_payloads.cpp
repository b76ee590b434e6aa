#include "control/signaling/payloads/e2e_payloads.hpp"

#include "control/json/json_writer.hpp"
#include "control/signaling/native/server_messages.hpp"

namespace sluice {
namespace {

std::string refusal_of(E2eKeyExchange::Error error) {
  switch (error) {
    case E2eKeyExchange::Error::already_announced:
      return native::error_text("E2E_KEY_ALREADY_ANNOUNCED", "A key was announced already; use key:rotate");
    case E2eKeyExchange::Error::not_announced:
      return native::error_text("E2E_KEY_NOT_ANNOUNCED", "There is no key to rotate; use key:announce");
    case E2eKeyExchange::Error::invalid_key:
      break;
  }
  return native::error_text("E2E_INVALID_KEY", "publicKey must be base64 of at most 512 characters, of an allowed curve");
}

}  // namespace

void E2ePayloads::handle(const PeerId& from, const JsonObject& payload, TimePoint now) {
  (void)now;
  const std::string action = payload.text("__e2e").value_or("");
  if (action == "key:announce") return change(from, payload, true);
  if (action == "key:rotate") return change(from, payload, false);
  if (action == "key:request") return request(from, payload);
  (void)rooms_.post(from, native::error_text("E2E_UNKNOWN_ACTION", "Unknown end-to-end key action"));
}

void E2ePayloads::change(const PeerId& from, const JsonObject& payload, bool first) {
  const std::string key = payload.text("publicKey").value_or("");
  std::optional<std::string> curve;
  if (const auto value = payload.find("curve"); value && value->kind() != JsonKind::null) {
    curve = value->as_string().value_or("");  // not a text: no curve that could be allowed
  }
  const auto done = first ? keys_.announce(from, key, curve) : keys_.rotate(from, key, curve);
  if (!done) (void)rooms_.post(from, refusal_of(done.error()));
}

void E2ePayloads::request(const PeerId& from, const JsonObject& payload) {
  const auto target = payload.text("targetPeerId");
  if (!target) return (void)rooms_.post(from, native::error_text("E2E_INVALID_REQUEST", "targetPeerId must be a text"));
  const PeerId peer(*target);
  const E2eKey* key = rooms_.same_room(from, peer) ? keys_.key_of(peer) : nullptr;
  if (key == nullptr) {
    JsonWriter message("e2e:key:not-found");
    message.string("targetPeerId", *target).string("message", "This peer has not announced a key");
    return (void)rooms_.post(from, message.finish());
  }
  JsonWriter message("e2e:key:response");
  message.string("targetPeerId", *target).string("publicKey", key->public_key).string("curve", key->curve);
  message.integer("version", key->version).integer("announcedAt", key->announced_at);
  (void)rooms_.post(from, message.finish());
}

}  // namespace sluice
