#pragma once

#include <array>
#include <cstddef>
#include <string_view>

/// Message authentication by OpenSSL.
namespace sluice {

/// HMAC-SHA-256 (RFC 2104, FIPS 180-4).
[[nodiscard]] std::array<std::byte, 32> hmac_sha256(std::string_view key, std::string_view message);
/// HMAC-SHA-1, for TURN credentials, whose scheme fixes it.
[[nodiscard]] std::array<std::byte, 20> hmac_sha1(std::string_view key, std::string_view message);
/// SHA-256 (FIPS 180-4).
[[nodiscard]] std::array<std::byte, 32> sha256(std::string_view message);
/// Compares in time that depends on the lengths only.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace sluice
