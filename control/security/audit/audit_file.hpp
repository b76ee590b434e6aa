#pragma once

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

  /// Up to where the file that is being written holds whole lines: which file (inode; 0: none), how many bytes.
  struct End {
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
  };
  [[nodiscard]] End end() const;
  /// Shows the files of the log, opened for reading one after the other, newest first, until `visit` says false. Also while
  /// somebody else appends and renames.
  void for_each_newest_first(const std::function<bool(const Descriptor& file)>& visit) const;
  [[nodiscard]] std::uint64_t rotations() const noexcept { return rotations_; }

 private:
  /// The full files: when they were renamed, and their names.
  [[nodiscard]] std::vector<std::pair<std::int64_t, std::string>> full_newest_first() const;
  [[nodiscard]] int rotate(std::int64_t ms);
  [[nodiscard]] int write_whole(std::string_view bytes);

  Options options_;
  Descriptor file_;
  std::uint64_t size_ = 0;
  std::uint64_t rotations_ = 0;
  int rotation_sync_error_ = 0;
};

}  // namespace sluice
