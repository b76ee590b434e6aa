#include "shm/confinement/system_call_filter.hpp"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <span>

namespace sluice {
namespace {

// Numbers that Debian 12's headers may not have yet.
constexpr std::uint32_t unregister_ring_descriptors = 21;        // IORING_UNREGISTER_RING_FDS
constexpr std::uint32_t through_registered_ring = 0x8000'0000U;  // IORING_REGISTER_USE_REGISTERED_RING

/// What both workers and handshaker cannot do without: memory, time, sleeping, waking each other, randomness, the log, and
/// ending in every way that the C library knows.
constexpr int allowed_to_media[] = {
    // memory (mmap, mprotect: by rule)
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
    // time and waiting
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(ppoll), SCMP_SYS(poll), SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
    // doorbells and the log; certificates and segments are mapped or read before
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close),
    // randomness, and what generators ask to notice a fork
    SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid),
    // signals and the end
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack), SCMP_SYS(exit),
    SCMP_SYS(exit_group)};

/// Workers also move packets: over the ring that is open, or by these.
constexpr int allowed_to_workers[] = {SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg), SCMP_SYS(io_uring_enter), SCMP_SYS(getcpu)};

/// The keeper answers on a socket, watches processes and reads which of those in the roster live. (openat: by rule)
constexpr int allowed_to_keeper[] = {SCMP_SYS(accept4),    SCMP_SYS(recvfrom),   SCMP_SYS(sendto),    SCMP_SYS(sendmsg),
                                     SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(pidfd_open)};

/// Control serves strangers by libraries that need much, so it is denied what it never needs.
constexpr int denied_to_control[] = {
    // other processes
    SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise),
    SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal), SCMP_SYS(kcmp), SCMP_SYS(kill), SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(perf_event_open), SCMP_SYS(move_pages),
    SCMP_SYS(migrate_pages),
    // other programs
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(uselib), SCMP_SYS(personality),
    // other file systems and namespaces
    SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(move_mount), SCMP_SYS(open_tree),
    SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick), SCMP_SYS(mount_setattr), SCMP_SYS(unshare),
    SCMP_SYS(setns), SCMP_SYS(open_by_handle_at), SCMP_SYS(name_to_handle_at), SCMP_SYS(quotactl), SCMP_SYS(swapon),
    SCMP_SYS(swapoff), SCMP_SYS(acct), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(fanotify_init),
    // the kernel itself, and its parts that are broken most often
    SCMP_SYS(bpf), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(userfaultfd),
    SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(init_module), SCMP_SYS(finit_module),
    SCMP_SYS(delete_module), SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(syslog),
    SCMP_SYS(vmsplice), SCMP_SYS(modify_ldt), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(lookup_dcookie),
    SCMP_SYS(nfsservctl), SCMP_SYS(_sysctl), SCMP_SYS(ustat),
    // the machine
    SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime), SCMP_SYS(adjtimex), SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname), SCMP_SYS(vhangup)};

constexpr std::uint64_t new_namespaces =
    CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

/// A libseccomp context. The first error counts and ends the building.
class Filter {
 public:
  explicit Filter(std::uint32_t otherwise) : context_(::seccomp_init(otherwise)) {
    if (context_ == nullptr) {
      error_ = ENOSYS;
      return;
    }
    // A binary tree: the kernel runs it in each call whose verdict depends on arguments.
    (void)::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    // Everybody stays without new rights already; loading must not need any either.
    note(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_NNP, 1));
  }
  void add(std::uint32_t action, std::span<const int> calls) {
    for (const int call : calls) add(action, call);
  }
  template <typename... Conditions>
  void add(std::uint32_t action, int call, Conditions... conditions) {
    // Negative beyond the pseudo numbers: a call that this architecture has not got.
    if (error_ != 0 || call == __NR_SCMP_ERROR) return;
    const int status = ::seccomp_rule_add(context_.get(), action, call, sizeof...(conditions), conditions...);
    // Same action as the default (FilterMode::log): nothing to add.
    if (status != -EACCES) note(status);
  }
  /// 0 or an errno.
  [[nodiscard]] int load() {
    if (error_ == 0) note(::seccomp_load(context_.get()));
    return error_;
  }

 private:
  struct Release {
    void operator()(void* context) const noexcept { ::seccomp_release(context); }
  };
  void note(int status) {
    if (status < 0 && error_ == 0) error_ = -status;
  }
  std::unique_ptr<void, Release> context_;
  int error_ = 0;
};

#ifdef SLUICE_SANITIZED
constexpr bool sanitized = true;  // the sanitizers' runtimes need more than the programs do
#else
constexpr bool sanitized = false;
#endif

/// The library's macros for this are C.
constexpr scmp_arg_cmp argument(unsigned number, scmp_compare comparison, scmp_datum_t a, scmp_datum_t b = 0) noexcept {
  return {number, comparison, a, b};
}

Filter filter_of_media(ProcessRole role, FilterMode mode) {
  Filter filter(mode == FilterMode::log ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS);
  filter.add(SCMP_ACT_ALLOW, allowed_to_media);
  // Memory that is written is never run.
  filter.add(SCMP_ACT_ALLOW, SCMP_SYS(mmap), argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  filter.add(SCMP_ACT_ALLOW, SCMP_SYS(mprotect), argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  // abort() is a signal to oneself; other processes are out of reach.
  filter.add(SCMP_ACT_ALLOW, SCMP_SYS(tgkill), argument(0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
  if (role == ProcessRole::keeper) {
    filter.add(SCMP_ACT_ALLOW, allowed_to_keeper);
    filter.add(SCMP_ACT_ALLOW, SCMP_SYS(openat), argument(2, SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT, O_RDONLY));
  }
  if (role != ProcessRole::worker) return filter;
  filter.add(SCMP_ACT_ALLOW, allowed_to_workers);
  // Closing a ring is all that is ever registered from here on; the ring itself refuses the rest as well.
  for (const std::uint32_t operation :
       {unregister_ring_descriptors, unregister_ring_descriptors | through_registered_ring}) {
    filter.add(SCMP_ACT_ALLOW, SCMP_SYS(io_uring_register), argument(1, SCMP_CMP_MASKED_EQ, 0xffff'ffffU, operation));
  }
  return filter;
}

Filter filter_of_control(FilterMode mode) {
  const std::uint32_t refusal = mode == FilterMode::log ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(EPERM);
  Filter filter(SCMP_ACT_ALLOW);
  filter.add(refusal, denied_to_control);
  filter.add(refusal, SCMP_SYS(clone), argument(0, SCMP_CMP_MASKED_EQ, CLONE_VM, 0));  // a process, not a thread
  for (std::uint64_t flag = 1; flag <= new_namespaces; flag <<= 1U) {
    if ((new_namespaces & flag) != 0) filter.add(refusal, SCMP_SYS(clone), argument(0, SCMP_CMP_MASKED_EQ, flag, flag));
  }
  // Its flags lie in memory, which a filter cannot read. The C library falls back to clone.
  if (mode == FilterMode::enforce) filter.add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  return filter;
}

}  // namespace

std::string FilterOutcome::to_string() const {
  switch (state) {
    case State::enforced:
      return "enforced";
    case State::logged:
      return "only logged";
    case State::off:
      return "off";
    case State::sanitized:
      return "off (sanitizer build)";
    case State::unavailable:
      return "unavailable (" + std::string(std::strerror(error)) + ")";
  }
  return "unknown";
}

FilterOutcome forbid_system_calls(ProcessRole role, FilterMode mode) {
  using State = FilterOutcome::State;
  if (mode == FilterMode::off) return {State::off, 0};
  if (sanitized) return {State::sanitized, 0};
  // The C library reads /etc/localtime at the first date that it makes, even of UTC.
  ::tzset();
  Filter filter = role == ProcessRole::control ? filter_of_control(mode) : filter_of_media(role, mode);
  if (const int error = filter.load(); error != 0) return {State::unavailable, error};
  return {mode == FilterMode::log ? State::logged : State::enforced, 0};
}

}  // namespace sluice
