#include "control/compliance/consent_record.hpp"

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"

namespace sluice {

std::string types_json(ConsentTypes types) {
  JsonArrayWriter out;
  for (const ConsentType type : all_consent_types)
    if (types.has(type)) out.string(to_string(type));
  return out.finish();
}

std::string record_json(const ConsentRecord& record) {
  JsonWriter out;
  out.string("peerId", record.peer.value).string("roomId", record.room.value).raw("types", types_json(record.types));
  return out.string("version", record.version).integer("grantedAt", record.granted_at).string("ip", record.ip).finish();
}

std::optional<ConsentRecord> parse_consent_record(std::string_view json) {
  const auto view = JsonView::parse(json);
  const auto object = view ? JsonObject::of(*view) : std::nullopt;
  if (!object) return std::nullopt;
  ConsentRecord record;
  record.peer = PeerId(object->text("peerId").value_or(""));
  record.room = RoomId(object->text("roomId").value_or(""));
  record.version = object->text("version").value_or("");
  record.ip = object->text("ip").value_or("");
  const auto granted_at = object->find("grantedAt");
  const auto time = granted_at ? granted_at->as_integer() : std::nullopt;
  const auto types = object->find("types");
  const auto names = types ? types->as_array() : std::nullopt;
  if (record.peer.empty() || record.room.empty() || !time || !names) return std::nullopt;
  record.granted_at = *time;
  for (const JsonView& name : *names) {
    const auto type = parse_consent_type(name.as_string().value_or(""));
    if (!type) return std::nullopt;
    record.types.add(*type);
  }
  return record;
}

}  // namespace sluice
