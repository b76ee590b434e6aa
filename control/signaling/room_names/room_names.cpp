#include "control/signaling/room_names/room_names.hpp"

#include <algorithm>
#include <cstddef>

namespace sluice {
namespace {

constexpr std::string_view escape = "native:";

/// Whether `text` begins with the name of a dialect and a colon.
bool is_prefixed(std::string_view text) noexcept {
  return std::any_of(dialect_names.begin(), dialect_names.end(), [&](std::string_view dialect) {
    return text.size() > dialect.size() && text.starts_with(dialect) && text[dialect.size()] == ':';
  });
}

std::optional<std::size_t> index_of(std::string_view dialect) noexcept {
  const auto* found = std::find(dialect_names.begin(), dialect_names.end(), dialect);
  if (found == dialect_names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - dialect_names.begin());
}

std::optional<std::string> plain_name(const RoomId& room) {
  const std::string_view text = room.view();
  if (text.starts_with(escape)) {
    const std::string_view name = text.substr(escape.size());
    // `native:x` is nobody's name for anything unless x needed the escape.
    if (!is_prefixed(name)) return std::nullopt;
    return std::string(name);
  }
  if (is_prefixed(text)) return std::nullopt;
  return std::string(text);
}

}  // namespace

RoomNames::RoomNames(Apart) {
  for (std::size_t i = 0; i < dialect_names.size(); ++i) {
    if (dialect_names[i] != "native") prefixes_[i] = std::string(dialect_names[i]) + ':';
  }
}

RoomNames::RoomNames() : RoomNames(*bridging({{"native", "whip"}})) {}

Result<RoomNames, std::string> RoomNames::bridging(const BridgeGroups& groups) {
  RoomNames names{Apart{}};
  std::array<bool, dialect_names.size()> grouped{};
  for (const std::vector<std::string>& group : groups) {
    const bool plain = std::find(group.begin(), group.end(), "native") != group.end();
    for (const std::string& dialect : group) {
      const auto index = index_of(dialect);
      if (!index) return unexpected("there is no dialect '" + dialect + "'");
      if (grouped[*index]) return unexpected("'" + dialect + "' is named twice");
      grouped[*index] = true;
      names.prefixes_[*index] = plain ? "" : group.front() + ':';
    }
  }
  return names;
}

RoomId RoomNames::id(std::string_view dialect, std::string_view name) const {
  const auto index = index_of(dialect);
  if (!index || prefixes_[*index].empty()) return plain_room_id(name);
  return RoomId(prefixes_[*index] + std::string(name));
}

std::optional<std::string> RoomNames::name(std::string_view dialect, const RoomId& room) const {
  const auto index = index_of(dialect);
  if (!index || prefixes_[*index].empty()) return plain_name(room);
  const std::string& prefix = prefixes_[*index];
  if (!room.view().starts_with(prefix)) return std::nullopt;
  return room.value.substr(prefix.size());
}

RoomId plain_room_id(std::string_view name) {
  return RoomId(is_prefixed(name) ? std::string(escape) + std::string(name) : std::string(name));
}

std::string plain_room_name(const RoomId& room) {
  return plain_name(room).value_or(room.value);
}

}  // namespace sluice
