#include "control/supervisor/layout_report.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::supervisor {
namespace {

/// Takes a number and the character behind it off the front of `line`.
template <typename T>
bool take_number(std::string_view& line, T& value, int base, char behind) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value, base);
  if (error != std::errc()) return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (behind == '\0') return line.empty();
  if (line.empty() || line.front() != behind) return false;
  line.remove_prefix(1);
  return true;
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c == '-' || (c >= 'a' && c <= 'z'); });
}

std::optional<DescribedSegment> parse_line(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_name(line.substr(0, space))) return std::nullopt;
  DescribedSegment segment{std::string(line.substr(0, space)), {}};
  line.remove_prefix(space + 1);
  SegmentIdentity& identity = segment.identity;
  if (take_number(line, identity.major, 10, '.') && take_number(line, identity.minor, 10, ' ') &&
      take_number(line, identity.layout_hash, 16, ' ') && take_number(line, identity.size_bytes, 10, '\0')) {
    return segment;
  }
  return std::nullopt;
}

std::string version_of(const SegmentIdentity& identity) {
  return std::to_string(identity.major) + "." + std::to_string(identity.minor);
}

}  // namespace

std::optional<std::vector<DescribedSegment>> parse_layouts(std::string_view text) {
  std::vector<DescribedSegment> result;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    auto segment = parse_line(text.substr(0, end));
    if (!segment) return std::nullopt;
    result.push_back(std::move(*segment));
    text.remove_prefix(end + 1);
  }
  if (result.empty()) return std::nullopt;
  return result;
}

std::string why_not_adoptable(const std::vector<DescribedSegment>& present, const std::vector<DescribedSegment>& next) {
  for (const auto& [name, old] : present) {
    const auto found =
        std::find_if(next.begin(), next.end(), [&](const DescribedSegment& other) { return other.name == name; });
    const std::string segment = "the " + name + " segment";
    if (found == next.end()) return "it does not know " + segment;
    const SegmentIdentity& other = found->identity;
    if (other.major != old.major) {
      return segment + " has version " + version_of(other) + " there and " + version_of(old) + " here";
    }
    if (other.layout_hash != old.layout_hash || other.size_bytes != old.size_bytes) {
      return segment + " is laid out differently there";
    }
  }
  return {};
}

}  // namespace sluice::supervisor
