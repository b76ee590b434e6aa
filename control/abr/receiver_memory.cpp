#include "control/abr/receiver_memory.hpp"

#include <array>
#include <charconv>
#include <system_error>

namespace sluice {

namespace {

constexpr std::int64_t no_hold = -1;
constexpr std::size_t fields = 8;
constexpr std::int64_t score_max = 10'000;
constexpr std::int64_t layer_max = 255;

}  // namespace

std::string to_row(const ReceiverMemory& memory) {
  const std::array<std::int64_t, fields> values{memory.score,
                                                memory.current,
                                                memory.target,
                                                memory.hinted ? 1 : 0,
                                                memory.heard,
                                                memory.hold.value_or(no_hold),
                                                static_cast<std::int64_t>(memory.pli),
                                                static_cast<std::int64_t>(memory.nack)};
  std::string row;
  for (const std::int64_t value : values) {
    if (!row.empty()) row += ' ';
    row += std::to_string(value);
  }
  return row;
}

std::optional<ReceiverMemory> parse_receiver_memory(std::string_view row) {
  std::array<std::int64_t, fields> values{};
  for (std::size_t i = 0; i < fields; ++i) {
    const auto [end, error] = std::from_chars(row.data(), row.data() + row.size(), values[i]);
    if (error != std::errc()) return std::nullopt;
    row.remove_prefix(static_cast<std::size_t>(end - row.data()));
    if (row.empty() != (i + 1 == fields)) return std::nullopt;
    if (!row.empty() && row.front() != ' ') return std::nullopt;
    if (!row.empty()) row.remove_prefix(1);
  }
  const auto [score, current, target, hinted, heard, hold, pli, nack] = values;
  const auto within = [](std::int64_t value, std::int64_t max) { return value >= 0 && value <= max; };
  if (!within(score, score_max) || !within(current, layer_max) || !within(target, layer_max) || !within(hinted, 1) ||
      heard < 0 || hold < no_hold || pli < 0 || nack < 0)
    return std::nullopt;
  ReceiverMemory memory{static_cast<std::int32_t>(score),
                        static_cast<std::uint8_t>(current),
                        static_cast<std::uint8_t>(target),
                        hinted == 1,
                        heard,
                        std::nullopt,
                        static_cast<std::uint64_t>(pli),
                        static_cast<std::uint64_t>(nack)};
  if (hold != no_hold) memory.hold = hold;
  return memory;
}

}  // namespace sluice
