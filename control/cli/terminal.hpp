#pragma once

#include <termios.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/cli/top_screen.hpp"

namespace sluice::cli {

enum class Key : std::uint8_t { none, quit, pause, sort, up, down, page_up, page_down, refresh, resized };

/// The terminal that `sluice top` has to itself: another screen without echo or cursor, put back at the end, also after a
/// signal.
class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] static TopScreen::Size size();
  /// Replaces what is shown, in one write: nothing flickers.
  void show(const std::vector<std::string>& lines);
  /// The next key within this time; `quit` also for a signal to end or the end of input.
  [[nodiscard]] Key wait(std::chrono::milliseconds limit);

 private:
  termios before_{};
  std::string pending_;  // bytes of keys not taken yet
};

}  // namespace sluice::cli
