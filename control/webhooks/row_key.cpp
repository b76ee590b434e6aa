#include "control/webhooks/row_key.hpp"

#include <charconv>
#include <system_error>

namespace sluice {

std::string row_key(std::uint64_t number) {
  constexpr std::size_t digits_max = 20;  // any 64-bit number
  const std::string digits = std::to_string(number);
  return std::string(digits_max - digits.size(), '0') + digits;
}

std::optional<std::uint64_t> parse_row_key(std::string_view key) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
  if (error != std::errc() || number == UINT64_MAX || key != row_key(number)) return std::nullopt;
  return number;
}

}  // namespace sluice
