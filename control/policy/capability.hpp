#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

/// What a policy token may allow (contract section 12), in the order in which lists of them are written.
enum class Capability : std::uint8_t { publish, subscribe, kick, record, moderate, data, admin };

inline constexpr std::array all_capabilities{Capability::publish, Capability::subscribe, Capability::kick,
                                             Capability::record,  Capability::moderate,  Capability::data,
                                             Capability::admin};

[[nodiscard]] constexpr std::string_view to_string(Capability capability) noexcept {
  constexpr std::array<std::string_view, all_capabilities.size()> names{"publish",  "subscribe", "kick", "record",
                                                                        "moderate", "data",      "admin"};
  return names[static_cast<std::size_t>(capability)];
}

/// Nothing for a name that is not a capability.
[[nodiscard]] constexpr std::optional<Capability> parse_capability(std::string_view name) noexcept {
  for (const Capability capability : all_capabilities)
    if (name == to_string(capability)) return capability;
  return std::nullopt;
}

/// A set of capabilities; `admin` implies all.
class CapabilitySet {
 public:
  constexpr CapabilitySet() = default;
  constexpr void add(Capability capability) noexcept { bits_ |= bit(capability); }
  [[nodiscard]] constexpr bool allows(Capability capability) const noexcept {
    return (bits_ & (bit(capability) | bit(Capability::admin))) != 0;
  }
  /// Named itself, not implied.
  [[nodiscard]] constexpr bool lists(Capability capability) const noexcept { return (bits_ & bit(capability)) != 0; }
  friend constexpr bool operator==(CapabilitySet, CapabilitySet) = default;

 private:
  static constexpr std::uint8_t bit(Capability capability) noexcept {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(capability));
  }
  std::uint8_t bits_ = 0;
};

}  // namespace sluice
