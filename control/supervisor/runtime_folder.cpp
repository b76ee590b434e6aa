#include "control/supervisor/runtime_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace sluice::supervisor {
namespace {

bool usable(const std::filesystem::path& folder) {
  (void)::mkdir(folder.c_str(), 0700);
  struct stat status {};
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

std::string socket_name(std::uint16_t media_port, const std::vector<SocketAddress>& listen) {
  std::vector<std::string> addresses;
  for (const SocketAddress& address : listen) addresses.push_back(address.ip_to_string());
  std::sort(addresses.begin(), addresses.end());
  std::string name = std::to_string(media_port);
  for (std::size_t i = 0; i < addresses.size(); ++i) name += (i == 0 ? "@" : ",") + addresses[i];
  return name + ".sock";
}

}  // namespace sluice::supervisor
