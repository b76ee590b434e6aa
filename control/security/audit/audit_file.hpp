#pragma once

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/descriptors/descriptor.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// The file of an audit log in its folder, and those that it was renamed to when they were full (`NAME.UNIXMS`). Every call
/// blocks on the disk. Names are ours; the folder is a descriptor, so it need not be reachable by a path.
class AuditFile {
 public:
  struct Options {
    int folder = -1;  // descriptor, borrowed for life
    std::string name;
    std::uint64_t size_max = 104'857'600;
    int (*sync)(int fd) = &::fdatasync;  // 0, or -1 with errno; another one in tests of failing disks
  };
  explicit AuditFile(Options options) : options_(std::move(options)) {}

  /// Opens or makes the file. A last line without its end, half-written when a machine died, is cut off: how many bytes.
  /// Errors are errno.
  [[nodiscard]] Result<std::uint64_t, int> open();
  [[nodiscard]] bool is_open() const noexcept { return file_.valid(); }
  /// Appends lines (without their ends), beginning a new file where the size is reached: no line is split. After an error
  /// what was written of the line that failed is cut off again; returns how many lines are in. `new_name_ms` names full
  /// files.
  struct Appended {
    std::size_t lines = 0;
    int error = 0;
  };
  [[nodiscard]] Appended append(const std::vector<std::string>& lines, const std::function<std::int64_t()>& new_name_ms);
  /// Everything appended reaches the disk, or an errno; after an error nothing more is known of what was appended.
  [[nodiscard]] int sync();
  /// Of the last full file whose sync failed when a new one was begun; 0: none did.
  [[nodiscard]] int rotation_sync_error() const noexcept { return rotation_sync_error_; }

  /// The files of the log, newest first. Each is opened for reading.
  [[nodiscard]] std::vector<Descriptor> all_newest_first() const;
  [[nodiscard]] std::uint64_t rotations() const noexcept { return rotations_; }

 private:
  [[nodiscard]] int rotate(std::int64_t ms);
  [[nodiscard]] int write_whole(std::string_view bytes);

  Options options_;
  Descriptor file_;
  std::uint64_t size_ = 0;
  std::uint64_t rotations_ = 0;
  int rotation_sync_error_ = 0;
};

/// Walks the lines of `fd` from the end of its first `size` bytes to its beginning. `wanted`: only lines that hold this text
/// (empty: all). Stops when `visit` says false. Reads in blocks; lines of more than 1 MiB are passed over.
void for_each_line_backwards(int fd, std::uint64_t size, std::string_view wanted,
                             const std::function<bool(std::string_view line)>& visit);

}  // namespace sluice
