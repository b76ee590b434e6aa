#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "dataplane/srtp/srtp_profile.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/kind.hpp"

namespace sluice {

/// The master key and salt of one direction of an association, as DTLS exported them (RFC 5764 section 4.2). Lies in the
/// recovery segment, so it is plain data; all zero means "no keys". `profile` is stored last (release), so that a process
/// that died while storing leaves "no keys" behind and not half a key.
struct SrtpKeys {
  std::uint16_t profile_number = 0;         // SrtpProfile; 0: none
  std::array<std::byte, 14> master_salt{};  // the first sizes_of().master_salt bytes count, the others are zero
  std::array<std::byte, 32> master_key{};   // the first sizes_of().master_key bytes count, the others are zero

  /// From "key then salt". Nothing if the profile is unknown or the size is not exactly key + salt.
  [[nodiscard]] static std::optional<SrtpKeys> from_key_salt(SrtpProfile profile, Bytes key_salt) noexcept;

  [[nodiscard]] SrtpProfile profile() const noexcept { return static_cast<SrtpProfile>(profile_number); }
  /// False when empty or when another process wrote a number that is no profile.
  [[nodiscard]] bool usable() const noexcept { return is_usable(profile()); }
  /// Copies `other` here, profile last.
  void store(const SrtpKeys& other) noexcept;
  /// Overwrites with zeros in a way that the compiler cannot leave out.
  void wipe() noexcept;
  /// In constant time.
  [[nodiscard]] bool same_as(const SrtpKeys& other) const noexcept;
};
static_assert(std::is_standard_layout_v<SrtpKeys> && std::is_trivially_copyable_v<SrtpKeys>);
static_assert(sizeof(SrtpKeys) == 48 && alignof(SrtpKeys) == 2);

}  // namespace sluice
