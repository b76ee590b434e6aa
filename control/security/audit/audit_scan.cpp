#include "control/security/audit/audit_scan.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string>

#include "control/security/audit/audit_chain.hpp"

namespace sluice {
namespace {

constexpr std::uint64_t block_bytes = audit_block_bytes;
/// What is read at once: the block, and the line that began in it and ends in the next ones.
constexpr std::uint64_t read_bytes_max = 2 * block_bytes;

/// Of a look at a place in a file: longer than nearly every line.
constexpr std::uint64_t probe_bytes = std::uint64_t{64} << 10U;

/// Fills as much of `out` as the file has from `at` on.
std::size_t read_at(int fd, std::uint64_t at, char* out, std::size_t size) {
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd, out + got, size - got, static_cast<off_t>(at + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

bool outside(const AuditScan& scan, const AuditBlock& block) {
  return (scan.since && block.latest < *scan.since) || (scan.until && block.earliest > *scan.until);
}

/// What is known of a block whose lines are these.
AuditBlock described(std::uint64_t first, std::string_view lines) {
  AuditBlock block{first, INT64_MAX, INT64_MIN, true};
  while (!lines.empty()) {
    // A line without a time could be of any: such a block is always read.
    const auto time = audit_time_of(lines);
    block.earliest = std::min(block.earliest, time.value_or(INT64_MIN));
    block.latest = std::max(block.latest, time.value_or(INT64_MAX));
    const void* end = std::memchr(lines.data(), '\n', lines.size());
    if (end == nullptr) break;
    lines.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(end) - lines.data()) + 1);
  }
  return block;
}

using Visit = std::function<bool(std::string_view)>;

bool visit_all(std::string_view lines, const Visit& visit) {
  while (!lines.empty()) {
    if (lines.back() == '\n') lines.remove_suffix(1);
    const void* before = ::memrchr(lines.data(), '\n', lines.size());
    const std::size_t start =
        before == nullptr ? 0 : static_cast<std::size_t>(static_cast<const char*>(before) - lines.data()) + 1;
    if (!visit(lines.substr(start))) return false;
    lines = lines.substr(0, start);
  }
  return true;
}

/// Only lines that hold `wanted`; `found` is working memory.
bool visit_some(std::string_view lines, std::string_view wanted, std::vector<std::string_view>& found, const Visit& visit) {
  found.clear();
  std::size_t at = 0;
  while (at < lines.size()) {
    const auto* hit = static_cast<const char*>(::memmem(lines.data() + at, lines.size() - at, wanted.data(), wanted.size()));
    if (hit == nullptr) break;
    const auto place = static_cast<std::size_t>(hit - lines.data());
    const auto* before = static_cast<const char*>(::memrchr(lines.data(), '\n', place));
    const std::size_t start = before == nullptr ? 0 : static_cast<std::size_t>(before - lines.data()) + 1;
    const auto* end = static_cast<const char*>(std::memchr(hit, '\n', lines.size() - place));
    const std::size_t stop = end == nullptr ? lines.size() : static_cast<std::size_t>(end - lines.data());
    found.push_back(lines.substr(start, stop - start));
    at = stop + 1;
  }
  for (auto line = found.rbegin(); line != found.rend(); ++line) {
    if (!visit(*line)) return false;
  }
  return true;
}

}  // namespace

std::optional<std::int64_t> audit_time_of(std::string_view line) {
  constexpr std::string_view start = R"({"ts":)";
  if (!line.starts_with(start)) return std::nullopt;
  std::int64_t time = 0;
  if (std::from_chars(line.data() + start.size(), line.data() + line.size(), time).ec != std::errc()) return std::nullopt;
  return time;
}

void for_each_line_backwards(int fd, std::uint64_t size, const AuditScan& scan, const Visit& visit) {
  const bool judges_times = scan.blocks != nullptr && (scan.since || scan.until);
  const auto memory = std::make_unique_for_overwrite<char[]>(std::min<std::uint64_t>(size, read_bytes_max));
  std::vector<std::string_view> found;
  std::uint64_t end = size;  // what begins here or later has been seen
  // A line belongs to the block in which the line end before it lies; the first line of a file to its first block.
  for (std::uint64_t number = (size + block_bytes - 1) / block_bytes; number-- > 0;) {
    const std::uint64_t at = number * block_bytes;
    // A line that begins right behind the block, where nothing is yet, will be of this block.
    const bool complete = at + block_bytes < size;
    if (judges_times && complete && number < scan.blocks->size() && (*scan.blocks)[number]) {
      const AuditBlock& known = *(*scan.blocks)[number];
      if (!known.has_lines) continue;
      if (outside(scan, known)) {
        end = known.first;
        continue;
      }
    }
    const bool overlong = end - at > read_bytes_max;  // a line beyond all measure began here or before
    const auto length = static_cast<std::size_t>(std::min(end - at, overlong ? block_bytes : read_bytes_max));
    if (read_at(fd, at, memory.get(), length) != length) return;
    if (scan.bytes_read != nullptr) *scan.bytes_read += length;
    std::string_view lines(memory.get(), length);
    const std::size_t first = number == 0 ? 0 : lines.find('\n') + 1;  // npos + 1 is 0
    const bool begins = (number == 0 || first > 0) && first < lines.size();
    if (judges_times && complete && scan.blocks->size() <= number) scan.blocks->resize(number + 1);
    if (!begins) {
      if (judges_times && complete && first == 0) (*scan.blocks)[number].emplace();
      continue;
    }
    end = at + first;
    lines.remove_prefix(first);
    if (overlong) lines = lines.substr(0, lines.rfind('\n') + 1);
    if (judges_times && complete && !overlong) {
      const AuditBlock& now_known = (*scan.blocks)[number].emplace(described(end, lines));
      if (outside(scan, now_known)) continue;
    }
    const bool goes_on = scan.wanted.empty() ? visit_all(lines, visit) : visit_some(lines, scan.wanted, found, visit);
    if (!goes_on) return;
  }
}

std::uint64_t first_number_in(int fd, std::uint64_t size) {
  std::string buffer(static_cast<std::size_t>(std::min<std::uint64_t>(size, probe_bytes)), '\0');
  if (read_at(fd, 0, buffer.data(), buffer.size()) != buffer.size()) return 0;
  const auto sealed = read_sealed(std::string_view(buffer).substr(0, buffer.find('\n')));
  return sealed ? sealed->seq : 0;
}

void for_each_line_after(int fd, std::uint64_t size, std::uint64_t after,
                         const std::function<bool(std::uint64_t number, std::string_view line)>& visit) {
  std::string buffer(probe_bytes, '\0');
  // A line begins at `low`, and no line before it has a number above `after`.
  std::uint64_t low = 0;
  std::uint64_t high = size;
  while (high - low > probe_bytes) {
    const std::uint64_t middle = low + (high - low) / 2;
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(probe_bytes, high - middle));
    if (read_at(fd, middle, buffer.data(), length) != length) return;
    std::string_view rest(buffer.data(), length);
    const std::size_t begin = rest.find('\n') + 1;
    const std::size_t end = begin == 0 ? std::string_view::npos : rest.find('\n', begin);
    const auto sealed = end == std::string_view::npos ? std::nullopt : read_sealed(rest.substr(begin, end - begin));
    if (!sealed || sealed->seq > after) {
      // No whole line in sight: what is behind stays behind.
      high = middle;
    } else {
      low = middle + begin;
    }
  }
  std::size_t kept = 0;  // bytes of a line whose end has not been read
  std::uint64_t at = low;
  while (at < size) {
    if (kept == buffer.size()) buffer.resize(2 * buffer.size());
    if (buffer.size() > read_bytes_max) return;  // no line of ours
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size() - kept, size - at));
    if (read_at(fd, at, buffer.data() + kept, length) != length) return;
    at += length;
    std::string_view rest(buffer.data(), kept + length);
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      const auto sealed = read_sealed(rest.substr(0, end));
      if (sealed && sealed->seq > after && !visit(sealed->seq, rest.substr(0, end))) return;
      rest.remove_prefix(end + 1);
    }
    kept = rest.size();
    std::memmove(buffer.data(), rest.data(), kept);
  }
}

}  // namespace sluice
