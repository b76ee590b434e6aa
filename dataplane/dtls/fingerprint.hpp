#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "shm/types/bytes.hpp"

namespace sluice {

/// The SHA-256 fingerprint of a certificate (RFC 8122 section 5). Other hashes are not accepted.
struct Fingerprint {
  static constexpr std::size_t size = 32;
  std::array<std::byte, size> sha256{};

  /// Nothing unless there are exactly 32 bytes.
  [[nodiscard]] static std::optional<Fingerprint> from_bytes(Bytes bytes) noexcept;
  /// Of a certificate in DER.
  [[nodiscard]] static Fingerprint of(Bytes der);
  /// In constant time.
  [[nodiscard]] bool same_as(const Fingerprint& other) const noexcept;
  /// As after "a=fingerprint:sha-256 ": upper-case pairs joined by colons.
  [[nodiscard]] std::string to_text() const;
};

}  // namespace sluice
