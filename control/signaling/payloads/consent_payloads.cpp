#include "control/signaling/payloads/consent_payloads.hpp"

#include "control/json/json_writer.hpp"
#include "control/signaling/native/server_messages.hpp"

namespace sluice {
namespace {

/// The `types` of a payload: missing counts as none; nothing for what is no list of known types.
std::optional<ConsentTypes> types_of(const JsonObject& payload) {
  ConsentTypes types;
  const auto value = payload.find("types");
  if (!value) return types;
  const auto names = value->as_array();
  if (!names) return std::nullopt;
  for (const JsonView& name : *names) {
    const auto type = parse_consent_type(name.as_string().value_or(""));
    if (!type) return std::nullopt;
    types.add(*type);
  }
  return types;
}

}  // namespace

void ConsentPayloads::handle(const PeerId& from, const JsonObject& payload, TimePoint now) {
  (void)now;
  const auto types = types_of(payload);
  if (!types) return (void)rooms_.post(from, native::error("CONSENT_INVALID_TYPE").finish());
  const std::string action = payload.text("__consent").value_or("");
  if (action == "grant") {
    consent_.grant(from, *types);
    JsonWriter confirmed("consent:confirmed");
    confirmed.raw("types", types_json(*types)).string("version", consent_.options().version);
    (void)rooms_.post(from, confirmed.finish());
  } else if (action == "withdraw") {
    consent_.withdraw(from, *types);
    (void)rooms_.post(from, JsonWriter("consent:withdrawn").raw("types", types_json(*types)).finish());
  } else {
    JsonWriter error = native::error("CONSENT_UNKNOWN_ACTION");
    error.raw("action", payload.find("__consent")->raw());
    (void)rooms_.post(from, error.finish());
  }
}

}  // namespace sluice
