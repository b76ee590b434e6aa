#pragma once

#include <compare>
#include <cstdint>

namespace sluice {

/// A 16-bit RTP sequence number as on the wire. It wraps, so it has no order of its own: extend it first.
struct SequenceNumber {
  std::uint16_t value = 0;
  friend constexpr bool operator==(SequenceNumber, SequenceNumber) = default;
};

/// A sequence number with its cycles, as used inside: never wraps, ordered, may be advanced.
struct ExtendedSequenceNumber {
  std::int64_t value = 0;
  friend constexpr auto operator<=>(ExtendedSequenceNumber, ExtendedSequenceNumber) = default;
  [[nodiscard]] constexpr SequenceNumber on_wire() const noexcept { return {static_cast<std::uint16_t>(value)}; }
  [[nodiscard]] constexpr ExtendedSequenceNumber plus(std::int64_t n) const noexcept { return {value + n}; }
  [[nodiscard]] friend constexpr std::int64_t operator-(ExtendedSequenceNumber a, ExtendedSequenceNumber b) noexcept {
    return a.value - b.value;
  }
};

/// The extended number nearest to `reference` that looks like `wire`. Half the space ahead counts as ahead
/// (RFC 3550 appendix A.1, RFC 3711 appendix A). The result may be negative when the reference is near zero.
[[nodiscard]] constexpr ExtendedSequenceNumber extend(SequenceNumber wire, ExtendedSequenceNumber reference) noexcept {
  const auto delta = static_cast<std::int16_t>(static_cast<std::uint16_t>(wire.value - static_cast<std::uint16_t>(reference.value)));
  return {reference.value + delta};
}

}  // namespace sluice
