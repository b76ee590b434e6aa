#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "shm/types/bytes.hpp"

namespace sluice {

/// Cuts a byte stream into lines. A line ends with LF; a CR before it does not belong to it; an empty line is none. What is
/// longer than the limit is thrown away up to its end and told once.
class LineReader {
 public:
  explicit LineReader(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  struct Line {
    std::string text;
    bool too_long = false;  ///< then `text` is empty
  };

  /// Takes bytes in; next() gives the lines that are whole by then.
  void feed(Bytes bytes);
  [[nodiscard]] std::optional<Line> next();
  /// Bytes that are kept.
  [[nodiscard]] std::size_t size() const noexcept { return buffer_.size() - at_; }

 private:
  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t at_ = 0;       // first byte that was not given out
  std::size_t searched_ = 0;  // no LF before this
  bool skipping_ = false;    // inside a line that is too long
};

}  // namespace sluice
