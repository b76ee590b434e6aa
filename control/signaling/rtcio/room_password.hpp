#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "control/json/json_view.hpp"

namespace sluice {

/// `text` without white space at its ends, as String.prototype.trim() has it (ECMA-262 section 22.1.3.32).
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// A room's password: kept as a hash of fixed size and compared in constant time, never shown. Empty = the room is open.
class RoomPassword {
 public:
  RoomPassword() = default;
  /// From what a client sent: a string, trimmed; anything else counts as none.
  explicit RoomPassword(const std::optional<JsonView>& sent);
  [[nodiscard]] bool empty() const noexcept { return !set_; }
  [[nodiscard]] bool matches(const RoomPassword& other) const noexcept;

 private:
  bool set_ = false;
  std::array<unsigned char, 32> hash_{};
};

}  // namespace sluice
