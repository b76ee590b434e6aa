#include "control/cli/doctor_command.hpp"

#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "control/cli/running_server.hpp"
#include "control/cli/serve_arguments.hpp"
#include "control/supervisor/runtime_folder.hpp"
#include "shm/descriptors/descriptor.hpp"

namespace sluice::cli {
namespace {

using enum Finding::State;

constexpr unsigned long long buffer_wanted = 8ULL << 20U;  // a burst of a thousand large datagrams

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

Finding kernel() {
  utsname name{};
  (void)::uname(&name);
  int major = 0;
  int minor = 0;
  (void)std::sscanf(name.release, "%d.%d", &major, &minor);
  const bool enough = major > 6 || (major == 6 && minor >= 1);
  return {enough ? good : bad, "kernel", std::string("Linux ") + name.release,
          enough ? "" : "Use Linux 6.1 or newer; Debian 12 has it."};
}

/// A limit of the server that runs, which its unit set, else of this shell, from which one would be started.
struct Limit {
  const char* subject;
  const char* kernel_name;  // in /proc/PID/limits
  rlim_t wanted;
  const char* advice;
};

constexpr std::array limits{
    Limit{"open files", "Max open files", 65536, "ulimit -n 65536, or LimitNOFILE=65536 in the unit: a client takes one."},
    Limit{"locked memory", "Max locked memory", RLIM_INFINITY,
          "LimitMEMLOCK=infinity in the unit (ulimit -l unlimited): pages with keys stay out of swap."}};

Finding limit(const Limit& what, std::optional<pid_t> server) {
  const auto text = read_file("/proc/" + (server ? std::to_string(*server) : "self") + "/limits");
  const auto value = soft_limit(text.value_or(""), what.kernel_name);
  if (!value) return {could_be_better, what.subject, "not readable", what.advice};
  const bool enough = *value == RLIM_INFINITY || *value >= what.wanted;
  return {enough ? good : could_be_better, what.subject,
          (*value == RLIM_INFINITY ? "unlimited" : std::to_string(*value)) + (server ? " (of the running server)" : ""),
          enough ? "" : what.advice};
}

Finding io_uring() {
  io_uring_params parameters{};
  const Descriptor ring(static_cast<int>(::syscall(SYS_io_uring_setup, 8, &parameters)));
  if (ring.valid()) return {good, "io_uring", "allowed", ""};
  return {
      could_be_better, "io_uring", std::string("not allowed (") + std::strerror(errno) + ")",
      "Workers then use recvmmsg and sendmmsg, at some more CPU. Allow io_uring_setup in the container's seccomp profile, "
      "or set kernel.io_uring_disabled=0."};
}

Finding segmentation() {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int size = 1200;
  const bool can = ::setsockopt(socket.get(), SOL_UDP, UDP_SEGMENT, &size, sizeof(size)) == 0;
  return {
      can ? good : could_be_better, "UDP segmentation", can ? "available" : "not available",
      can ? ""
          : "Packets are sent one by one, at about twice the CPU. Use a newer kernel or another sandbox (gVisor lacks it)."};
}

Finding seccomp() {
  const bool can = ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
  return {can ? good : could_be_better, "seccomp", can ? "available" : "not available",
          can ? "" : "Processes run without a system call filter; use a kernel with CONFIG_SECCOMP_FILTER."};
}

Finding clock_sync() {
  timex state{};
  const int status = ::adjtimex(&state);
  if (status < 0)
    return {could_be_better, "clock", "cannot be asked here", "Make sure that the host runs chrony or systemd-timesyncd."};
  const bool synchronised = status != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  return {synchronised ? good : could_be_better, "clock", synchronised ? "synchronised" : "not synchronised",
          synchronised ? "" : "Tokens and TURN credentials carry times: run chrony or systemd-timesyncd."};
}

Finding port(int type, std::uint16_t number, const char* subject, std::optional<pid_t> server) {
  const Descriptor socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (type == SOCK_STREAM) (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(number);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  const bool is_free = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const int error = is_free ? 0 : errno;
  const std::string name = std::string(type == SOCK_STREAM ? "TCP " : "UDP ") + std::to_string(number);
  if (error == EADDRINUSE && server)
    return {good, subject, name + " is in use, and a server runs here (process " + std::to_string(*server) + ")", ""};
  return {is_free ? good : could_be_better, subject,
          name + (is_free ? " is free" : std::string(": ") + std::strerror(error)),
          is_free ? "" : "If that is not a running sluice, end what has it ('ss -lntup'), or choose another port."};
}

Finding memory_of_sockets(const ReadFile& read, const char* name) {
  const auto text = read(std::string("/proc/sys/net/core/") + name);
  const unsigned long long bytes = text ? std::strtoull(text->c_str(), nullptr, 10) : 0;
  if (bytes >= buffer_wanted) return {good, std::string("net.core.") + name, std::to_string(bytes), ""};
  return {could_be_better, std::string("net.core.") + name, text ? first_line(*text) : "not readable",
          std::string("sysctl -w net.core.") + name + "=" + std::to_string(buffer_wanted) +
              ": bursts are lost in the kernel otherwise (root's servers get large buffers anyway)."};
}

Finding processor(const ReadFile& read) {
  const std::string text = read("/proc/cpuinfo").value_or("");
  const bool fast = text.find(" aes ") != std::string::npos || text.find("asimddp") != std::string::npos ||
                    text.find(" aes\n") != std::string::npos;
  const bool wide = text.find("vaes") != std::string::npos;
  return {fast ? good : could_be_better, "processor",
          fast ? (wide ? "AES instructions, several blocks at once (VAES)" : "AES instructions") : "no AES instructions",
          fast ? "" : "Encrypting media will take several times the CPU; use a machine with AES-NI."};
}

Finding clock_source(const ReadFile& read) {
  const std::string source =
      first_line(read("/sys/devices/system/clocksource/clocksource0/current_clocksource").value_or("unknown"));
  const bool fast = source == "tsc" || source == "kvm-clock" || source == "arch_sys_counter" ||
                    source.starts_with("hyperv_clocksource_tsc");
  return {fast ? good : could_be_better, "clock source", source,
          fast ? "" : "Reading the time is a system call with this one; see /sys/devices/system/clocksource for others."};
}

Finding governor(const ReadFile& read) {
  const auto text = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  if (!text) return {good, "frequency", "not governed here", ""};
  const std::string name = first_line(*text);
  const bool fast = name == "performance" || name == "schedutil";
  return {fast ? good : could_be_better, "frequency", name,
          fast ? "" : "cpupower frequency-set -g performance: cores that clock down add latency."};
}

Finding swap(const ReadFile& read) {
  const std::string text = read("/proc/swaps").value_or("");
  const bool on = text.find('\n') != std::string::npos && text.find('\n') + 1 < text.size();
  return {
      on ? could_be_better : good, "swap", on ? "on" : "off",
      on ? "Pages with keys are locked as far as RLIMIT_MEMLOCK goes; swapoff, or MemorySwapMax=0 in the unit, for the rest."
         : ""};
}

Finding ring_switch(const ReadFile& read) {
  const auto text = read("/proc/sys/kernel/io_uring_disabled");
  const bool off = text && !text->starts_with("0");
  return {off ? could_be_better : good, "kernel.io_uring_disabled", text ? first_line(*text) : "no such switch",
          off ? "sysctl -w kernel.io_uring_disabled=0 lets workers use io_uring." : ""};
}

int print(const std::vector<Finding>& findings) {
  bool any_bad = false;
  for (const Finding& finding : findings) {
    any_bad = any_bad || finding.state == bad;
    const char* mark = finding.state == good ? "ok  " : finding.state == bad ? "BAD " : "note";
    std::printf("%s  %-26s %s\n", mark, finding.subject.c_str(), finding.found.c_str());
    if (!finding.advice.empty()) std::printf("      -> %s\n", finding.advice.c_str());
  }
  return any_bad ? 1 : 0;
}

}  // namespace

std::vector<Finding> examine_files(const ReadFile& read) {
  return {memory_of_sockets(read, "rmem_max"),
          memory_of_sockets(read, "wmem_max"),
          processor(read),
          clock_source(read),
          governor(read),
          ring_switch(read),
          swap(read)};
}

int doctor(std::span<const std::string> arguments) {
  if (!arguments.empty() && arguments.front() == "--help") {
    std::fputs(
        "usage: sluice doctor [--config FILE] [options of 'sluice serve']\n\n"
        "Looks at what a server with these options depends on here, and says of each what to do.\n",
        stdout);
    return 0;
  }
  const config::Environment environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  std::vector<Finding> findings{kernel()};
  const std::vector<Finding> from_files = examine_files(read_file);
  findings.insert(findings.end(), from_files.begin(), from_files.end());
  findings.push_back(io_uring());
  findings.push_back(segmentation());
  findings.push_back(seccomp());
  findings.push_back(clock_sync());
  const auto folder = supervisor::runtime_folder();
  findings.push_back({folder ? good : could_be_better, "folder for sockets", folder ? folder->string() : "none",
                      folder ? "" : "Without /run/sluice or XDG_RUNTIME_DIR there is no control socket and no upgrade."});
  try {
    const ServeArguments serve = read_serve_arguments(arguments, environment, cores);
    const config::ServerConfig& config = serve.config;
    const std::optional<pid_t> server = running_server(config.media);
    for (const Limit& what : limits) findings.push_back(limit(what, server));
    const bool crowded = config.workers.count >= cores && cores > 1;
    findings.push_back(
        {crowded ? could_be_better : good, "cores",
         std::to_string(cores) + " cores, " + std::to_string(config.workers.count) + " workers" +
             (config.workers.cores.empty() ? ", not pinned" : ", pinned"),
         crowded ? "Leave a core to control and the kernel, and pin the others: workers.cores (docs/deployment.md)." : ""});
    findings.push_back(port(SOCK_STREAM, config.signaling.port, "signaling", server));
    if (config.admin_api.enabled) findings.push_back(port(SOCK_STREAM, config.admin_api.port, "admin API", server));
    if (config.api.governance.enabled)
      findings.push_back(port(SOCK_STREAM, config.api.governance.port, "governance API", server));
    for (std::uint16_t i = 0; i < config.workers.count; ++i)
      findings.push_back(port(SOCK_DGRAM, static_cast<std::uint16_t>(config.media.port + i), "media", server));
  } catch (const config::ConfigError& error) {
    findings.push_back({bad, "configuration", error.what(), "'sluice check-config' reads it alone."});
  }
  return print(findings);
}

}  // namespace sluice::cli
