#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace sluice {

/// A strong, trivially copyable number without arithmetic. `Tag` keeps kinds apart; zero-initialised by default.
template <typename Tag, typename Rep>
struct Id {
  using rep = Rep;
  Rep value{};
  friend constexpr auto operator<=>(Id, Id) = default;
};

using Ssrc = Id<struct SsrcTag, std::uint32_t>;               // RFC 3550 section 5.1
using PayloadType = Id<struct PayloadTypeTag, std::uint8_t>;  // 0..127
using WorkerId = Id<struct WorkerIdTag, std::uint16_t>;       // index of a worker on this machine
using Generation = Id<struct GenerationTag, std::uint64_t>;   // one committed group of desired state

/// Names one row of a worker's table: a slot that is reused and the incarnation that makes its uses distinct. The control
/// plane chooses both; a row with another incarnation is another thing, and a message that names it is dropped.
/// Incarnations start at 1, so the all-zero id names nothing.
template <typename Tag>
struct SlotId {
  std::uint32_t slot = 0;
  std::uint32_t incarnation = 0;
  friend constexpr auto operator<=>(SlotId, SlotId) = default;
  [[nodiscard]] constexpr bool valid() const noexcept { return incarnation != 0; }
  /// The form on the rings: incarnation in the high half.
  [[nodiscard]] constexpr std::uint64_t packed() const noexcept { return std::uint64_t{incarnation} << 32U | slot; }
  [[nodiscard]] static constexpr SlotId unpack(std::uint64_t packed) noexcept {
    return {static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(packed >> 32U)};
  }
};

using TransportId = SlotId<struct TransportTag>;        // one peer's ICE/DTLS/SRTP association
using PublicationId = SlotId<struct PublicationTag>;    // one m-line that a peer sends
using SubscriptionId = SlotId<struct SubscriptionTag>;  // one m-line that a peer receives, whatever fills it

}  // namespace sluice

template <typename Tag, typename Rep>
struct std::hash<sluice::Id<Tag, Rep>> {
  std::size_t operator()(sluice::Id<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value); }
};
template <typename Tag>
struct std::hash<sluice::SlotId<Tag>> {
  std::size_t operator()(sluice::SlotId<Tag> id) const noexcept { return std::hash<std::uint64_t>{}(id.packed()); }
};
