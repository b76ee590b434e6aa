#include "control/supervisor/data_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace sluice::supervisor {
namespace {

/// The names in a folder; nothing when it cannot be read.
std::optional<std::vector<std::string>> names_in(int folder) {
  const int listed = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (listed < 0) return std::nullopt;
  DIR* stream = ::fdopendir(listed);
  if (stream == nullptr) {
    (void)::close(listed);
    return std::nullopt;
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  (void)::closedir(stream);
  return names;
}

/// Gives folder and files to `owner`, if they are control's alone.
void give(int folder, const std::string& prefix, bool made, const UserIds& owner) {
  const auto names = names_in(folder);
  if (!names) return;
  for (const std::string& name : *names) {
    if (!made && !name.starts_with(prefix)) return;
  }
  (void)!::fchown(folder, owner.user, owner.group);
  for (const std::string& name : *names) {
    // A link or a device by such a name is left alone.
    const Descriptor file(::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!file.valid() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1) continue;
    (void)!::fchownat(file.get(), "", owner.user, owner.group, AT_EMPTY_PATH);
  }
}

}  // namespace

Descriptor open_data_folder(const DataFolder& folder, std::optional<UserIds> owner, const ProcessLog& log) {
  std::error_code ignored;
  std::filesystem::create_directories(folder.path.parent_path(), ignored);
  const bool made = ::mkdir(folder.path.c_str(), 0700) == 0;
  Descriptor opened(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!opened.valid()) {
    log.warn("a folder cannot be opened", {{"path", folder.path.string()}, {"reason", std::strerror(errno)}});
    return opened;
  }
  if (owner) give(opened.get(), folder.file_prefix, made, *owner);
  return opened;
}

}  // namespace sluice::supervisor
