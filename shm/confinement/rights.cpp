#include "shm/confinement/rights.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace sluice {
namespace {

[[noreturn]] void fail(const char* what, int error) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(error));
}

struct Capabilities {
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
};

constexpr std::uint64_t mask_of(unsigned capability) {
  return std::uint64_t{1} << capability;
}

Capabilities read_capabilities() noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return {};
  return {data[0].effective | std::uint64_t{data[1].effective} << 32U,
          data[0].permitted | std::uint64_t{data[1].permitted} << 32U};
}

/// Sets effective and permitted to `kept`, inheritable to nothing.
void keep_capabilities(std::uint64_t kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  data[0].effective = data[0].permitted = static_cast<std::uint32_t>(kept);
  data[1].effective = data[1].permitted = static_cast<std::uint32_t>(kept >> 32U);
  if (::syscall(SYS_capset, &header, data.data()) != 0) fail("cannot give up capabilities", errno);
  const Capabilities left = read_capabilities();
  if (((left.permitted | left.effective) & ~kept) != 0) fail("capabilities are left over", EPERM);
}

/// What no program that this one might execute may ever get back.
void empty_bounding_set() noexcept {
  for (unsigned capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    (void)::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

void become(const UserIds& ids) {
  if (::setgroups(0, nullptr) != 0) fail("cannot leave supplementary groups", errno);
  if (::setresgid(ids.group, ids.group, ids.group) != 0) fail("cannot become its group", errno);
  if (::setresuid(ids.user, ids.user, ids.user) != 0) fail("cannot become its user", errno);
}

void limit(__rlimit_resource_t resource, rlim_t value) noexcept {
  rlimit current{};
  if (::getrlimit(resource, &current) != 0) return;
  const rlim_t most = std::min(current.rlim_max, value);
  const rlimit wanted{most, most};
  (void)::setrlimit(resource, &wanted);
}

bool is_regular_file(int fd) noexcept {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/// Locked memory has no limit of ours where the process may still choose; else all that it is allowed. Whether that is
/// without limit.
bool raise_locked_memory() noexcept {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0) return true;
  rlimit current{};
  if (::getrlimit(RLIMIT_MEMLOCK, &current) != 0) return false;
  current.rlim_cur = current.rlim_max;
  (void)::setrlimit(RLIMIT_MEMLOCK, &current);
  return false;
}

/// Of control on a port below 1024, for as long as it lives.
std::uint64_t needed_for_good(ProcessRole role, const ConfinementOrder& order) noexcept {
  return role == ProcessRole::control && order.low_ports ? mask_of(CAP_NET_BIND_SERVICE) : std::uint64_t{0};
}

void make_undumpable() noexcept {
#ifdef SLUICE_SANITIZED
  // The leak checker looks at its own process from outside; a change of user took that away.
  (void)::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
#else
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void take_limits(ProcessRole role, bool own_user_only) noexcept {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_MSGQUEUE, 0);
  if (role == ProcessRole::control) {
    // One descriptor for each client; threads for what libuv cannot do without, counted by user.
    limit(RLIMIT_NOFILE, RLIM_INFINITY);
    if (own_user_only) limit(RLIMIT_NPROC, 64);
    return;
  }
  // Some for each worker, of which there are up to 256: sockets and rings (worker), segments and bells (handshaker).
  limit(RLIMIT_NOFILE, 4096);
#ifndef SLUICE_SANITIZED
  limit(RLIMIT_NPROC, 0);  // the leak checker starts a thread
#endif
  // Segments have a fixed size, nothing else is written. But the log may go to a file, and the certificate does.
  if (role != ProcessRole::handshaker && !is_regular_file(STDOUT_FILENO) && !is_regular_file(STDERR_FILENO))
    limit(RLIMIT_FSIZE, 0);
}

}  // namespace

void give_up_rights(ProcessRole role, const ConfinementOrder& order) {
  (void)::umask(077);
  const bool locks_freely = raise_locked_memory();
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  empty_bounding_set();
  std::uint64_t wanted = needed_for_good(role, order);
  if (!locks_freely && role != ProcessRole::control) wanted |= mask_of(CAP_IPC_LOCK);
  const std::uint64_t kept = wanted & read_capabilities().permitted;
  if (order.user) {
    // Otherwise nothing would be left to keep.
    if (kept != 0) (void)::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    become(*order.user);
  }
  keep_capabilities(kept);
  if (order.user && ::setresuid(0, 0, 0) == 0) fail("could become root again", EPERM);
  take_limits(role, order.user.has_value());
  make_undumpable();
}

void give_up_last_rights(ProcessRole role, const ConfinementOrder& order) {
  keep_capabilities(needed_for_good(role, order) & read_capabilities().permitted);
  make_undumpable();
}

std::string own_user() {
  return std::to_string(::geteuid());
}

std::string own_capabilities() {
  const std::uint64_t effective = read_capabilities().effective;
  if (effective == 0) return "none";
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::uint64_t rest = effective; rest != 0; rest >>= 4U) text.insert(text.begin(), digits[rest & 15U]);
  return "0x" + text;
}

}  // namespace sluice
