#include "control/security/audit/audit_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

constexpr std::size_t write_bytes = std::size_t{256} << 10U;

std::uint64_t size_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

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

}  // namespace

Result<std::uint64_t, int> AuditFile::open() {
  file_ = Descriptor(
      ::openat(options_.folder, options_.name.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file_.valid()) return unexpected(errno);
  size_ = size_of(file_.get());
  // The end of the last whole line.
  std::uint64_t whole = size_;
  std::vector<char> block(4096);
  while (whole > 0) {
    const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(whole, block.size()));
    const std::size_t got = read_at(file_.get(), whole - length, block.data(), length);
    const void* end = got == length ? ::memrchr(block.data(), '\n', length) : nullptr;
    if (end != nullptr) {
      whole = whole - length + static_cast<std::uint64_t>(static_cast<const char*>(end) - block.data()) + 1;
      break;
    }
    whole -= length;
  }
  const std::uint64_t torn = size_ - whole;
  if (torn > 0 && ::ftruncate(file_.get(), static_cast<off_t>(whole)) != 0) return unexpected(errno);
  size_ = whole;
  return torn;
}

int AuditFile::write_whole(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return EIO;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

AuditFile::Appended AuditFile::append(const std::vector<std::string>& lines,
                                      const std::function<std::int64_t()>& new_name_ms) {
  Appended result;
  std::string buffer;
  while (result.lines < lines.size()) {
    if (size_ >= options_.size_max) {
      result.error = rotate(new_name_ms());
      if (result.error != 0) return result;
    }
    buffer.clear();
    std::size_t next = result.lines;
    while (next < lines.size() && buffer.size() < write_bytes &&
           (buffer.empty() || size_ + buffer.size() < options_.size_max)) {
      buffer.append(lines[next++]).push_back('\n');
    }
    result.error = write_whole(buffer);
    if (result.error != 0) {
      (void)!::ftruncate(file_.get(), static_cast<off_t>(size_));
      return result;
    }
    size_ += buffer.size();
    result.lines = next;
  }
  return result;
}

int AuditFile::rotate(std::int64_t ms) {
  // What a commit has promised, or is about to, must not depend on a file that nobody syncs any more.
  if (options_.sync(file_.get()) != 0) rotation_sync_error_ = errno;
  std::string name;
  struct stat ignored {};
  do name = options_.name + "." + std::to_string(ms++);
  while (::fstatat(options_.folder, name.c_str(), &ignored, AT_SYMLINK_NOFOLLOW) == 0);
  if (::renameat(options_.folder, options_.name.c_str(), options_.folder, name.c_str()) != 0) return errno;
  Descriptor fresh(
      ::openat(options_.folder, options_.name.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fresh.valid()) return errno;
  (void)::fsync(options_.folder);
  file_ = std::move(fresh);
  size_ = 0;
  ++rotations_;
  return 0;
}

int AuditFile::sync() {
  if (options_.sync(file_.get()) != 0) return errno;
  return 0;
}

AuditFile::End AuditFile::end() const {
  struct stat status {};
  if (!file_.valid() || ::fstat(file_.get(), &status) != 0) return {};
  return {status.st_ino, size_};
}

void AuditFile::for_each_newest_first(const std::function<bool(const Descriptor& file)>& visit) const {
  const auto opened = [&](const std::string& name) {
    return Descriptor(::openat(options_.folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  };
  const auto number_of = [](const Descriptor& file) {
    struct stat status {};
    return ::fstat(file.get(), &status) == 0 ? status.st_ino : 0;
  };
  // The newest first of all: should it be renamed meanwhile, it is found in the folder once more, and passed over.
  const Descriptor newest = opened(options_.name);
  const std::vector<std::pair<std::int64_t, std::string>> full = full_newest_first();
  if (newest.valid() && !visit(newest)) return;
  for (const auto& [ms, name] : full) {
    const Descriptor file = opened(name);
    if (!file.valid()) continue;  // deleted: records may be kept for some time only
    if (newest.valid() && number_of(file) == number_of(newest)) continue;
    if (!visit(file)) return;
  }
}

std::vector<std::pair<std::int64_t, std::string>> AuditFile::full_newest_first() const {
  std::vector<std::pair<std::int64_t, std::string>> full;
  const int listed = ::openat(options_.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (DIR* stream = listed < 0 ? nullptr : ::fdopendir(listed)) {
    const std::string prefix = options_.name + ".";
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (!name.starts_with(prefix)) continue;
      const std::string_view number = name.substr(prefix.size());
      std::int64_t ms = 0;
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), ms);
      if (error == std::errc() && end == number.data() + number.size()) full.emplace_back(ms, name);
    }
    (void)::closedir(stream);
  }
  std::sort(full.rbegin(), full.rend());
  return full;
}

}  // namespace sluice
