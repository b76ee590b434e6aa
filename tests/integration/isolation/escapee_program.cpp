// A worker that was taken over. It is started like sluice-worker, confines itself by the same calls, opens its ring, and
// then tries to get out in the one way that --attempt names: "ATTEMPT refused ERRNO", "ATTEMPT succeeded", or death by
// SIGSYS.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/ring_restrictions.hpp"
#include "dataplane/process/arguments.hpp"
#include "shm/confinement/confinement.hpp"
#include "shm/confinement/rights.hpp"
#include "shm/descriptors/worker_assignment.hpp"

namespace {

using namespace sluice;

/// What the attempts aim at: everything that an attacker could know is told to them.
struct Surroundings {
  pid_t parent = 0;
  pid_t sibling = 0;
  int parent_pidfd = -1;  // opened while it was still possible
  int socket = -1;        // its own UDP socket
  int any_memfd = -1;     // one of its own segments
  io_uring ring{};
  bool has_ring = false;
};

template <typename... Arguments>
bool call(long number, Arguments... arguments) {
  errno = 0;
  return ::syscall(number, arguments...) >= 0;
}

bool open_for_reading(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  std::array<char, 1> byte{};
  return fd >= 0 && ::read(fd, byte.data(), 1) == 1;
}

bool send_to_loopback(const Surroundings& at) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::array<char, 1> byte{'x'};
  iovec part{byte.data(), byte.size()};
  mmsghdr message{};
  message.msg_hdr.msg_name = &to;
  message.msg_hdr.msg_namelen = sizeof(to);
  message.msg_hdr.msg_iov = &part;
  message.msg_hdr.msg_iovlen = 1;
  return ::sendmmsg(at.socket, &message, 1, 0) == 1;
}

/// Submits one operation to the ring and says whether the kernel did it.
bool by_ring(Surroundings& at, const std::function<void(io_uring_sqe&)>& prepare) {
  if (!at.has_ring) {
    errno = ENOSYS;
    return false;
  }
  io_uring_sqe* sqe = io_uring_get_sqe(&at.ring);
  prepare(*sqe);
  if (const int submitted = io_uring_submit_and_wait(&at.ring, 1); submitted < 0) {
    errno = -submitted;
    return false;
  }
  io_uring_cqe* cqe = nullptr;
  if (io_uring_peek_cqe(&at.ring, &cqe) != 0) {
    errno = EIO;
    return false;
  }
  const int result = cqe->res;
  io_uring_cqe_seen(&at.ring, cqe);
  errno = result < 0 ? -result : 0;
  return result >= 0;
}

int write_into(pid_t pid) {
  std::array<char, 8> bytes{};
  iovec local{bytes.data(), bytes.size()};
  iovec remote{reinterpret_cast<void*>(0x400000), bytes.size()};
  return static_cast<int>(::process_vm_readv(pid, &local, 1, &remote, 1, 0));
}

const sockaddr_in discard_port = [] {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return to;
}();

using Attempt = std::function<bool(Surroundings&)>;

const std::map<std::string, Attempt>& attempts() {
  static const std::map<std::string, Attempt> all{
      // what it may do
      {"send", [](Surroundings& at) { return send_to_loopback(at); }},
      {"ring_send",
       [](Surroundings& at) {
         std::array<char, 1> byte{'x'};
         iovec part{byte.data(), byte.size()};
         sockaddr_in to = discard_port;
         msghdr message{};
         message.msg_name = &to;
         message.msg_namelen = sizeof(to);
         message.msg_iov = &part;
         message.msg_iovlen = 1;
         return by_ring(at, [&message](io_uring_sqe& sqe) {
           io_uring_prep_sendmsg(&sqe, 0, &message, 0);
           sqe.flags = IOSQE_FIXED_FILE;
         });
       }},
      {"allocate", [](Surroundings&) { return std::make_unique<std::array<char, 8 << 20>>() != nullptr; }},
      // files
      {"open", [](Surroundings&) { return open_for_reading("/etc/passwd"); }},
      {"open_old", [](Surroundings&) { return call(SYS_open, "/etc/passwd", O_RDONLY); }},
      {"openat2",
       [](Surroundings&) {
         std::array<std::uint64_t, 3> how{};
         return call(SYS_openat2, AT_FDCWD, "/etc/passwd", how.data(), sizeof(how));
       }},
      {"open_shadow", [](Surroundings&) { return open_for_reading("/etc/shadow"); }},
      {"create", [](Surroundings&) { return call(SYS_openat, AT_FDCWD, "/tmp/sluice-escapee", O_CREAT | O_WRONLY, 0600); }},
      {"stat",
       [](Surroundings&) {
         struct stat status{};
         return ::stat("/etc/passwd", &status) == 0;
       }},
      {"memfd", [](Surroundings&) { return call(SYS_memfd_create, "x", 0); }},
      {"fcntl", [](Surroundings& at) { return call(SYS_fcntl, at.any_memfd, F_GETFD); }},
      {"chmod", [](Surroundings& at) { return call(SYS_fchmod, at.any_memfd, 0777); }},
      {"truncate", [](Surroundings& at) { return call(SYS_ftruncate, at.any_memfd, 0); }},
      // network
      {"socket", [](Surroundings&) { return call(SYS_socket, AF_INET, SOCK_STREAM, 0); }},
      {"socketpair",
       [](Surroundings&) {
         std::array<int, 2> pair{};
         return call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair.data());
       }},
      {"connect", [](Surroundings& at) { return call(SYS_connect, at.socket, &discard_port, sizeof(discard_port)); }},
      {"bind", [](Surroundings& at) { return call(SYS_bind, at.socket, &discard_port, sizeof(discard_port)); }},
      {"setsockopt",
       [](Surroundings& at) {
         const int one = 1;
         return call(SYS_setsockopt, at.socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
       }},
      {"sendmsg",
       [](Surroundings& at) {
         msghdr message{};
         return call(SYS_sendmsg, at.socket, &message, 0);
       }},
      {"recvmsg",
       [](Surroundings& at) {
         msghdr message{};
         return call(SYS_recvmsg, at.socket, &message, MSG_DONTWAIT);
       }},
      // programs and processes
      {"execve",
       [](Surroundings&) {
         std::array<const char*, 2> words{"/bin/true", nullptr};
         return call(SYS_execve, words[0], words.data(), words.data() + 1);
       }},
      {"fork",
       [](Surroundings&) {
         const pid_t child = ::fork();
         if (child == 0) ::_exit(0);
         return child > 0;
       }},
      {"clone_old", [](Surroundings&) { return call(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr); }},
      {"clone3",
       [](Surroundings&) {
         std::array<std::uint64_t, 11> how{};
         return call(SYS_clone3, how.data(), sizeof(how));
       }},
      {"vfork", [](Surroundings&) { return call(SYS_vfork); }},
      {"unshare", [](Surroundings&) { return ::unshare(CLONE_NEWUSER) == 0; }},
      {"ptrace_parent", [](Surroundings& at) { return ::ptrace(PTRACE_SEIZE, at.parent, nullptr, nullptr) == 0; }},
      {"ptrace_sibling", [](Surroundings& at) { return ::ptrace(PTRACE_SEIZE, at.sibling, nullptr, nullptr) == 0; }},
      {"kill_parent", [](Surroundings& at) { return ::kill(at.parent, SIGCONT) == 0; }},
      {"kill_sibling", [](Surroundings& at) { return ::kill(at.sibling, SIGCONT) == 0; }},
      {"kill_itself", [](Surroundings&) { return ::kill(::getpid(), SIGCONT) == 0; }},
      {"tgkill_sibling", [](Surroundings& at) { return call(SYS_tgkill, at.sibling, at.sibling, SIGCONT); }},
      {"pidfd_signal", [](Surroundings& at) { return call(SYS_pidfd_send_signal, at.parent_pidfd, SIGCONT, nullptr, 0); }},
      {"pidfd_getfd", [](Surroundings& at) { return call(SYS_pidfd_getfd, at.parent_pidfd, 0, 0); }},
      {"parent_memory", [](Surroundings& at) { return open_for_reading("/proc/" + std::to_string(at.parent) + "/maps"); }},
      {"sibling_memory", [](Surroundings& at) { return open_for_reading("/proc/" + std::to_string(at.sibling) + "/maps"); }},
      {"sibling_descriptors",
       [](Surroundings& at) { return open_for_reading("/proc/" + std::to_string(at.sibling) + "/fd/0"); }},
      {"process_vm_parent", [](Surroundings& at) { return write_into(at.parent) >= 0; }},
      {"process_vm_sibling", [](Surroundings& at) { return write_into(at.sibling) >= 0; }},
      {"prlimit_sibling",
       [](Surroundings& at) {
         const rlimit none{0, 0};
         return ::prlimit(at.sibling, RLIMIT_NOFILE, &none, nullptr) == 0;
       }},
      {"affinity_sibling",
       [](Surroundings& at) {
         cpu_set_t first;
         CPU_ZERO(&first);
         CPU_SET(0, &first);
         return ::sched_setaffinity(at.sibling, sizeof(first), &first) == 0;
       }},
      // rings
      {"io_uring_setup",
       [](Surroundings&) {
         io_uring_params parameters{};
         return call(SYS_io_uring_setup, 4, &parameters);
       }},
      {"io_uring_register",
       [](Surroundings& at) {
         const std::array<int, 1> files{at.any_memfd};
         return call(SYS_io_uring_register, at.ring.ring_fd, IORING_REGISTER_FILES, files.data(), 1);
       }},
      {"ring_openat",
       [](Surroundings& at) {
         return by_ring(at, [](io_uring_sqe& sqe) { io_uring_prep_openat(&sqe, AT_FDCWD, "/etc/passwd", O_RDONLY, 0); });
       }},
      {"ring_openat_fixed",
       [](Surroundings& at) {
         return by_ring(at, [](io_uring_sqe& sqe) {
           io_uring_prep_openat(&sqe, 0, "/etc/passwd", O_RDONLY, 0);
           sqe.flags = IOSQE_FIXED_FILE;
         });
       }},
      {"ring_socket",
       [](Surroundings& at) {
         return by_ring(at, [](io_uring_sqe& sqe) { io_uring_prep_socket(&sqe, AF_INET, SOCK_STREAM, 0, 0); });
       }},
      {"ring_connect",
       [](Surroundings& at) {
         return by_ring(at, [](io_uring_sqe& sqe) {
           io_uring_prep_connect(&sqe, 0, reinterpret_cast<const sockaddr*>(&discard_port), sizeof(discard_port));
           sqe.flags = IOSQE_FIXED_FILE;
         });
       }},
      {"ring_other_file",
       [](Surroundings& at) {
         msghdr message{};
         return by_ring(at, [&](io_uring_sqe& sqe) { io_uring_prep_sendmsg(&sqe, at.socket, &message, 0); });
       }},
      // code
      {"mmap_code",
       [](Surroundings&) {
         return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
       }},
      {"mmap_segment_as_code",
       [](Surroundings& at) {
         return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, at.any_memfd, 0) != MAP_FAILED;
       }},
      {"mprotect_code",
       [](Surroundings&) {
         void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         return ::mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
       }},
      {"personality", [](Surroundings&) { return ::personality(READ_IMPLIES_EXEC) >= 0; }},
      // rights
      {"setuid", [](Surroundings&) { return ::setuid(0) == 0; }},
      {"setgid", [](Surroundings&) { return ::setgid(0) == 0; }},
      {"capset",
       [](Surroundings&) {
         __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
         std::array<__user_cap_data_struct, 2> data{};
         data[0].effective = data[0].permitted = 1U << CAP_NET_RAW;
         return call(SYS_capset, &header, data.data());
       }},
      {"dumpable", [](Surroundings&) { return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0; }},
      {"another_filter", [](Surroundings&) { return call(SYS_seccomp, 0, 0, nullptr); }},
      // the kernel
      {"mount", [](Surroundings&) { return ::mount("none", "/tmp", "tmpfs", 0, nullptr) == 0; }},
      {"chroot", [](Surroundings&) { return ::chroot("/tmp") == 0; }},
      {"setns", [](Surroundings& at) { return ::setns(at.parent_pidfd, CLONE_NEWNET) == 0; }},
      {"keyctl", [](Surroundings&) { return call(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0); }},
      {"add_key", [](Surroundings&) { return call(SYS_add_key, "user", "sluice", "x", 1, KEY_SPEC_PROCESS_KEYRING); }},
      {"bpf",
       [](Surroundings&) {
         bpf_attr attributes{};
         return call(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes));
       }},
      {"perf",
       [](Surroundings&) {
         perf_event_attr attributes{};
         attributes.type = PERF_TYPE_SOFTWARE;
         attributes.size = sizeof(attributes);
         return call(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
       }},
      {"userfaultfd", [](Surroundings&) { return call(SYS_userfaultfd, 0); }},
      {"init_module", [](Surroundings&) { return call(SYS_init_module, nullptr, 0, ""); }},
      {"reboot", [](Surroundings&) { return call(SYS_reboot, 0, 0, 0, nullptr); }},
      {"ioctl",
       [](Surroundings& at) {
         int waiting = 0;
         return call(SYS_ioctl, at.socket, 0x541b, &waiting);
       }},
  };
  return all;
}

/// The ring of the engine, made by the calls that the engine makes, with its one socket.
void open_ring(Surroundings& at) {
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_R_DISABLED;
  if (io_uring_queue_init_params(8, &at.ring, &parameters) != 0) return;
  at.has_ring = io_uring_register_files(&at.ring, &at.socket, 1) == 0 && restrict_ring(at.ring);
  if (at.has_ring) enable_ring(at.ring);
}

/// "memfd:sluice-shared/INODE": what an attacker would find in /proc/self/fd.
void print_descriptors() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
    struct stat status{};
    if (::fstat(std::stoi(entry.path().filename().string()), &status) != 0) continue;
    std::printf("holds %s/%llu\n", target.c_str(), static_cast<unsigned long long>(status.st_ino));
  }
}

void print_status() {
  std::FILE* file = std::fopen("/proc/self/status", "r");
  std::array<char, 256> line{};
  while (file != nullptr && std::fgets(line.data(), static_cast<int>(line.size()), file) != nullptr) {
    std::printf("status %s", line.data());
  }
  if (file != nullptr) (void)std::fclose(file);
  for (const auto& [name, resource] :
       {std::pair{"core", RLIMIT_CORE}, {"nproc", RLIMIT_NPROC}, {"nofile", RLIMIT_NOFILE}, {"memlock", RLIMIT_MEMLOCK}}) {
    rlimit limit{};
    (void)::getrlimit(resource, &limit);
    std::printf("limit %s %lld\n", name, static_cast<long long>(limit.rlim_cur));
  }
  const mode_t mask = ::umask(0);
  std::printf("umask %o\ndumpable %d\n", mask, ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  (void)::umask(mask);
}

int run(std::span<char* const> words) {
  const Arguments arguments(words);
  // Under a whole supervisor, which passes no arguments of ours, by the environment.
  const char* const by_environment = std::getenv("ESCAPE_ATTEMPT");
  const std::string name = arguments.text("attempt", by_environment == nullptr ? "none" : by_environment);
  const ConfinementOrder order = ConfinementOrder::from(words);
  give_up_rights(ProcessRole::worker, order);
  const Descriptor socket(static_cast<int>(arguments.number("descriptors", 1024)));
  auto assigned = receive_assignment(socket.get());
  if (!assigned) return 2;
  const std::string index = std::to_string(assigned->assignment.index);

  Surroundings at;
  at.parent = ::getppid();
  at.sibling = std::stoi(arguments.text("sibling", "0"));
  at.parent_pidfd = static_cast<int>(::syscall(SYS_pidfd_open, at.parent, 0));
  at.socket = assigned->descriptors.find("socket." + index + ".v4");
  at.any_memfd = assigned->descriptors.find("shared." + index);
  if (name == "wait") {
    std::puts("waiting");
    (void)std::fflush(stdout);
    while (true) (void)::pause();
  }
  if (name == "look") {
    give_up_last_rights(ProcessRole::worker, order);
    print_descriptors();
    print_status();
    std::puts("looked");
    return 0;
  }
  EngineConfig config;
  config.choice = arguments.text("engine", "auto") == "mmsg" ? EngineChoice::mmsg : EngineChoice::automatic;
  config.sockets = {at.socket};
  const std::unique_ptr<Engine> engine = open_engine(config);
  engine->start();
  open_ring(at);
  const auto attempt = attempts().find(name);
  if (attempt == attempts().end()) return 3;
  // The C library would look at the terminal at the first output.
  std::array<char, 256> line{};
  const Confined confined = finish_confinement(ProcessRole::worker, order);
  int size = std::snprintf(line.data(), line.size(), "filter %s\n", confined.system_calls.c_str());
  (void)!::write(STDOUT_FILENO, line.data(), static_cast<std::size_t>(size));
  const bool succeeded = attempt->second(at);
  size = succeeded ? std::snprintf(line.data(), line.size(), "%s succeeded\n", name.c_str())
                   : std::snprintf(line.data(), line.size(), "%s refused %d\n", name.c_str(), errno);
  (void)!::write(STDOUT_FILENO, line.data(), static_cast<std::size_t>(size));
  ::_exit(0);
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(std::span<char* const>(words, static_cast<std::size_t>(count)).subspan(1));
  } catch (const std::exception& error) {
    std::printf("failed %s\n", error.what());
    return 1;
  }
}
