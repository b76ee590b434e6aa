#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// What of a consumer's score must outlive this process, as one row of the state log. Times are Unix milliseconds.
struct ReceiverMemory {
  std::int32_t score = 0;  // ten-thousandths
  std::uint8_t current = 0;
  std::uint8_t target = 0;
  bool hinted = false;
  std::int64_t heard = 0;
  std::optional<std::int64_t> hold;  // since when an upgrade waits
  std::uint64_t pli = 0;
  std::uint64_t nack = 0;
  friend bool operator==(const ReceiverMemory&, const ReceiverMemory&) = default;
};

[[nodiscard]] std::string to_row(const ReceiverMemory& memory);
/// Reads it back; nothing when it is damaged.
[[nodiscard]] std::optional<ReceiverMemory> parse_receiver_memory(std::string_view row);

}  // namespace sluice
