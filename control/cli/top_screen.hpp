#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/cli/metrics_text.hpp"

namespace sluice::cli {

/// The picture of `sluice top`: pure, from two readings of /metrics to lines of text.
class TopScreen {
 public:
  enum class Sort : std::uint8_t { peers, latency, name };
  enum class Colour : std::uint8_t { off, on };
  struct Size {
    std::size_t columns = 80;
    std::size_t rows = 24;
  };
  struct Reading {
    MetricsText metrics;
    std::chrono::steady_clock::time_point at;
  };
  struct View {
    std::string server;  // whose
    std::string clock;   // "14:03:22"
    Sort sort = Sort::peers;
    bool paused = false;
    std::size_t first_room = 0;          // scrolled to
    std::optional<std::string> problem;  // why there is nothing newer
  };

  /// Rates come from the difference of the two; without `before` they are 0. At most `size.rows` lines, each at most
  /// `size.columns` wide (colour codes not counted).
  [[nodiscard]] static std::vector<std::string> draw(const Reading& now, const std::optional<Reading>& before,
                                                     const View& view, Size size, Colour colour);
  /// How many rooms there are to scroll through.
  [[nodiscard]] static std::size_t rooms(const Reading& now);
};

/// Numbers for people: "1,234"; "12.3 kb/s"; "312 MiB". "-" for what is no number.
[[nodiscard]] std::string grouped(double number);
[[nodiscard]] std::string scaled(double number, std::string_view unit);
[[nodiscard]] std::string binary_scaled(double bytes);
/// "12 µs", "3.4 ms", "1.2 s".
[[nodiscard]] std::string duration_text(double seconds);

/// What a terminal shows of a text from outside: control characters as '?', cut to `columns` (wide characters count two).
[[nodiscard]] std::string terminal_safe(std::string_view text, std::size_t columns);
/// How many columns a (safe) text takes.
[[nodiscard]] std::size_t columns_of(std::string_view text);

}  // namespace sluice::cli
