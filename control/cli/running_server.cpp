#include "control/cli/running_server.hpp"

#include <charconv>
#include <chrono>

#include "control/supervisor/local_socket.hpp"
#include "control/supervisor/runtime_folder.hpp"
#include "control/supervisor/supervisor_config.hpp"
#include "control/supervisor/upgrade_socket.hpp"

namespace sluice::cli {

std::optional<pid_t> running_server(const config::MediaConfig& media) {
  const auto folder = supervisor::runtime_folder();
  if (!folder) return std::nullopt;
  supervisor::SupervisorConfig server;
  server.runtime_folder = *folder;
  server.media_port = media.port;
  server.listen = media.listen;
  // Nothing is asked: who listens is enough.
  const Descriptor socket = supervisor::connect_to(supervisor::upgrade_path(server), std::chrono::seconds(1));
  if (!socket.valid()) return std::nullopt;
  const std::optional<ucred> peer = supervisor::peer_of(socket.get());
  return peer && peer->pid > 0 ? std::optional(peer->pid) : std::nullopt;
}

std::optional<rlim_t> soft_limit(std::string_view limits, std::string_view name) {
  while (!limits.empty()) {
    std::string_view line = limits.substr(0, limits.find('\n'));
    limits.remove_prefix(std::min(line.size() + 1, limits.size()));
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    line = line.substr(0, line.find(' '));
    if (line == "unlimited") return RLIM_INFINITY;
    rlim_t value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error == std::errc() && end == line.data() + line.size()) return value;
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace sluice::cli
