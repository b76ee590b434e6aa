#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/rooms/ids.hpp"

namespace sluice {

/// What a member may consent to (contract section 20), in the order in which lists of them are written.
enum class ConsentType : std::uint8_t { recording, processing, sharing, analytics };
inline constexpr std::array all_consent_types{ConsentType::recording, ConsentType::processing, ConsentType::sharing,
                                              ConsentType::analytics};

[[nodiscard]] constexpr std::string_view to_string(ConsentType type) noexcept {
  constexpr std::array<std::string_view, all_consent_types.size()> names{"recording", "processing", "sharing", "analytics"};
  return names[static_cast<std::size_t>(type)];
}
[[nodiscard]] constexpr std::optional<ConsentType> parse_consent_type(std::string_view name) noexcept {
  for (const ConsentType type : all_consent_types)
    if (name == to_string(type)) return type;
  return std::nullopt;
}

/// A set of consent types.
class ConsentTypes {
 public:
  constexpr ConsentTypes() = default;
  constexpr void add(ConsentType type) noexcept { bits_ |= bit(type); }
  constexpr void add(ConsentTypes other) noexcept { bits_ |= other.bits_; }
  constexpr void remove(ConsentTypes other) noexcept { bits_ = static_cast<std::uint8_t>(bits_ & ~other.bits_); }
  [[nodiscard]] constexpr bool has(ConsentType type) const noexcept { return (bits_ & bit(type)) != 0; }
  [[nodiscard]] constexpr bool has_all(ConsentTypes other) const noexcept { return (other.bits_ & ~bits_) == 0; }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  friend constexpr bool operator==(ConsentTypes, ConsentTypes) = default;

 private:
  static constexpr std::uint8_t bit(ConsentType type) noexcept {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(type));
  }
  std::uint8_t bits_ = 0;
};

/// What one member agreed to.
struct ConsentRecord {
  PeerId peer;
  RoomId room;
  ConsentTypes types;
  std::string version;
  std::int64_t granted_at = 0;  // Unix milliseconds, of the last grant
  std::string ip;               // "server-granted" when the API granted it
  friend bool operator==(const ConsentRecord&, const ConsentRecord&) = default;
};

/// The set as a JSON array.
[[nodiscard]] std::string types_json(ConsentTypes types);
/// `{peerId, roomId, types, version, grantedAt, ip}`.
[[nodiscard]] std::string record_json(const ConsentRecord& record);
/// Reads back record_json(); nothing when it is damaged.
[[nodiscard]] std::optional<ConsentRecord> parse_consent_record(std::string_view json);

}  // namespace sluice
