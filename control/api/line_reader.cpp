#include "control/api/line_reader.hpp"

namespace sluice {

void LineReader::feed(Bytes bytes) {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    searched_ -= at_;
    at_ = 0;
  }
  buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::optional<LineReader::Line> LineReader::next() {
  while (true) {
    const std::size_t end = buffer_.find('\n', searched_);
    if (end == std::string::npos) {
      searched_ = buffer_.size();
      if (skipping_) {
        at_ = searched_;
      } else if (buffer_.size() - at_ > line_bytes_max_ + 1) {  // one more: it may be a CR
        skipping_ = true;
        at_ = searched_;
        return Line{"", true};
      }
      return std::nullopt;
    }
    const std::size_t begin = at_;
    at_ = end + 1;
    searched_ = at_;
    if (skipping_) {
      skipping_ = false;
      continue;
    }
    std::string_view text(buffer_.data() + begin, end - begin);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty()) continue;
    if (text.size() > line_bytes_max_) return Line{"", true};
    return Line{std::string(text), false};
  }
}

}  // namespace sluice
