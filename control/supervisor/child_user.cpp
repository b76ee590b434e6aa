#include "control/supervisor/child_user.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace sluice::supervisor {
namespace {

/// "sluice-worker" and the like, where the operator made such a user.
std::optional<UserIds> named_user(ProcessRole role) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  const std::string name = "sluice-" + std::string(to_string(role));
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  if (entry.pw_uid == 0 || entry.pw_gid == 0) return std::nullopt;
  return UserIds{entry.pw_uid, entry.pw_gid};
}

/// 0, or why a child of ours could not become `ids`: a container may lack the numbers, or root its capabilities.
int try_to_become(const UserIds& ids) {
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) {
    const bool became = ::setgroups(0, nullptr) == 0 && ::setresgid(ids.group, ids.group, ids.group) == 0 &&
                        ::setresuid(ids.user, ids.user, ids.user) == 0;
    ::_exit(became ? 0 : errno & 0x7f);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

}  // namespace

ChildUsers::ChildUsers(const IsolationConfig& config, const ProcessLog& log) : config_(config) {
  if (!config_.users || ::geteuid() != 0) return;
  for (const ProcessRole role : {ProcessRole::control, ProcessRole::worker}) {
    const int error = try_to_become(next(role));
    if (error == 0) continue;
    log.warn("processes cannot have users of their own",
             {{"reason", std::strerror(error)}, {"first_user", std::to_string(config_.first_user)}});
    return;
  }
  switches_ = true;
}

UserIds ChildUsers::next(ProcessRole role) {
  if (const auto named = named_user(role)) return *named;
  std::uint32_t number = config_.first_user;
  switch (role) {
    case ProcessRole::control:
      break;
    case ProcessRole::handshaker:
      number += 1;
      break;
    case ProcessRole::keeper:
      number += 2;
      break;
    case ProcessRole::worker:
      number += first_worker;
      for (std::uint32_t tried = 0; tried < worker_numbers; ++tried) {
        const std::uint32_t candidate = number + workers_started_++ % worker_numbers;
        if (taken_ && taken_(candidate)) continue;
        number = candidate;
        break;
      }
      break;
  }
  return {number, number};
}

std::optional<UserIds> ChildUsers::control_user() {
  return switches_ ? std::optional(next(ProcessRole::control)) : std::nullopt;
}

std::vector<std::string> ChildUsers::arguments(ProcessRole role) {
  ConfinementOrder order;
  if (switches_) order.user = next(role);
  order.filter = config_.filter;
  order.low_ports = role == ProcessRole::control && config_.low_ports;
  return order.arguments();
}

}  // namespace sluice::supervisor
