#include "control/supervisor/layout_report.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::supervisor {
namespace {

struct KindName {
  SegmentKind kind;
  std::string_view name;
};
constexpr KindName kind_names[] = {
    {SegmentKind::shared, "shared"}, {SegmentKind::recovery, "recovery"}, {SegmentKind::handshake, "handshake"}};

std::string_view name_of(SegmentKind kind) {
  const auto* found = std::find_if(std::begin(kind_names), std::end(kind_names),
                                   [kind](const KindName& entry) { return entry.kind == kind; });
  return found == std::end(kind_names) ? "unknown" : found->name;
}

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

std::optional<SegmentIdentity> parse_line(std::string_view line) {
  for (const KindName& entry : kind_names) {
    if (!line.starts_with(entry.name) || !line.substr(entry.name.size()).starts_with(' ')) continue;
    line.remove_prefix(entry.name.size() + 1);
    SegmentIdentity identity;
    identity.kind = entry.kind;
    if (take_number(line, identity.major, 10, '.') && take_number(line, identity.minor, 10, ' ') &&
        take_number(line, identity.layout_hash, 16, ' ') && take_number(line, identity.size_bytes, 10, '\0')) {
      return identity;
    }
    return std::nullopt;
  }
  return std::nullopt;
}

std::string version_of(const SegmentIdentity& identity) {
  return std::to_string(identity.major) + "." + std::to_string(identity.minor);
}

}  // namespace

std::optional<std::vector<SegmentIdentity>> parse_layouts(std::string_view text) {
  std::vector<SegmentIdentity> result;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const auto identity = parse_line(text.substr(0, end));
    if (!identity) return std::nullopt;
    result.push_back(*identity);
    text.remove_prefix(end + 1);
  }
  if (result.empty()) return std::nullopt;
  return result;
}

std::string why_not_adoptable(const std::vector<SegmentIdentity>& present, const std::vector<SegmentIdentity>& next) {
  for (const SegmentIdentity& old : present) {
    const auto found =
        std::find_if(next.begin(), next.end(), [&old](const SegmentIdentity& other) { return other.kind == old.kind; });
    const std::string segment = "the " + std::string(name_of(old.kind)) + " segment";
    if (found == next.end()) return "it does not know " + segment;
    if (found->major != old.major) {
      return segment + " has version " + version_of(*found) + " there and " + version_of(old) + " here";
    }
    if (found->layout_hash != old.layout_hash || found->size_bytes != old.size_bytes) {
      return segment + " is laid out differently there";
    }
  }
  return {};
}

}  // namespace sluice::supervisor
