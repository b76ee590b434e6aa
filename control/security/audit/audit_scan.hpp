#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace sluice {

/// When an entry was made, Unix milliseconds: read from the beginning of its line without parsing it.
[[nodiscard]] std::optional<std::int64_t> audit_time_of(std::string_view line);

/// What a scan found out about the lines of one block of a file, so that another one for other times need not read it.
struct AuditBlock {
  std::uint64_t first = 0;    // offset of its first line
  std::int64_t earliest = 0;  // of its lines; a clock that was set back makes this more than two ends
  std::int64_t latest = 0;    //
  bool has_lines = false;     // no line begins here: it is in the middle of a long one
};
/// By block of one file; nothing for those that no scan for times has read. 40 bytes for each MiB of log.
using AuditBlocks = std::vector<std::optional<AuditBlock>>;

struct AuditScan {
  std::string_view wanted = {};            // only lines that hold this text; empty: all
  std::optional<std::int64_t> since = {};  // blocks without a line from this time on are passed over
  std::optional<std::int64_t> until = {};  // blocks without a line up to this time as well
  AuditBlocks* blocks = nullptr;           // what is known of the file; scans for times add to it
  std::uint64_t* bytes_read = nullptr;
};

/// Walks the lines of `fd` from the end of its first `size` bytes to its beginning, in blocks of `audit_block_bytes`; of the
/// times only whole blocks are judged. Stops when `visit` says false. Takes at most a few MiB of memory; lines longer than a
/// block are passed over. The last line may lack its end.
void for_each_line_backwards(int fd, std::uint64_t size, const AuditScan& scan,
                             const std::function<bool(std::string_view line)>& visit);

/// The number of the first line of the first `size` bytes of `fd`; 0: there is none.
[[nodiscard]] std::uint64_t first_number_in(int fd, std::uint64_t size);
/// Walks the lines with numbers above `after`, in order, until `visit` says false. Their place is found by halving: a few
/// small reads. `size` ends at a line's end.
void for_each_line_after(int fd, std::uint64_t size, std::uint64_t after,
                         const std::function<bool(std::uint64_t number, std::string_view line)>& visit);

inline constexpr std::size_t audit_block_bytes = std::size_t{1} << 20U;

}  // namespace sluice
