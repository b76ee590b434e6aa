#include "control/supervisor/runtime_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace sluice::supervisor {
namespace {

bool usable(const std::filesystem::path& folder) {
  (void)::mkdir(folder.c_str(), 0700);
  struct stat status{};
  constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;
  return ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & writable_by_others) == 0 && ::access(folder.c_str(), W_OK | X_OK) == 0;
}

}  // namespace

std::optional<std::filesystem::path> first_usable_folder(std::initializer_list<std::filesystem::path> places) {
  for (const std::filesystem::path& place : places) {
    if (!place.empty() && usable(place)) return place;
  }
  return std::nullopt;
}

std::optional<std::filesystem::path> runtime_folder() {
  const char* user_runtime = std::getenv("XDG_RUNTIME_DIR");
  const bool has_runtime = user_runtime != nullptr && *user_runtime == '/';
  std::error_code ignored;
  std::filesystem::path temporary = std::filesystem::temp_directory_path(ignored);
  if (temporary.empty()) temporary = "/tmp";
  return first_usable_folder({"/run/sluice", has_runtime ? std::filesystem::path(user_runtime) / "sluice" : "",
                              temporary / ("sluice-" + std::to_string(::geteuid()))});
}

}  // namespace sluice::supervisor
