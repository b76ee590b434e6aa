#include "control/embedding/server_process.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::embedding {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::string why() {
  return std::strerror(errno);
}

/// Replaced as a whole: a reload of the server never reads half of it.
bool write_file(const std::string& path, std::string_view text) {
  const std::string fresh = path + ".new";
  const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return false;
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::rename(fresh.c_str(), path.c_str()) == 0;
}

/// Between fork and exec: nothing that takes a lock.
[[noreturn]] void become(char* const* arguments, int output, int log, bool ends_with_us) {
  if (ends_with_us) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);
  } else {
    (void)::setsid();  // an interrupt at our terminal is not for it
  }
  sigset_t none;
  (void)::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD}) (void)::signal(number, SIG_DFL);
  const int input = ::open("/dev/null", O_RDONLY);
  (void)::dup2(input, 0);
  (void)::dup2(output, 1);
  if (log >= 0) (void)::dup2(log, 2);
  (void)::close_range(3, ~0U, 0);
  ::execvp(arguments[0], arguments);
  constexpr std::string_view message = "the program could not be started\n";
  (void)!::write(1, message.data(), message.size());
  ::_exit(127);
}

/// The text up to the line "sluice ready", or what there was when it ended.
bool wait_until_ready(int output, std::chrono::milliseconds limit, std::string& text) {
  const auto deadline = Clock::now() + limit;
  while (text.rfind("sluice ready", 0) != 0 && text.find("\nsluice ready") == std::string::npos) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd watched{output, POLLIN, 0};
    if (left <= 0) return false;
    const int ready = ::poll(&watched, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    std::array<char, 4096> part{};
    const ssize_t size = ::read(output, part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.append(part.data(), static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace

std::string find_program(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* named = std::getenv("SLUICE_PROGRAM"); named != nullptr && *named != '\0') return named;
  Dl_info here{};
  if (::dladdr(reinterpret_cast<const void*>(&find_program), &here) != 0 && here.dli_fname != nullptr) {
    // PREFIX/lib/libsluice.so or PREFIX/lib/TRIPLET/libsluice.so, and PREFIX/lib/sluice/sluice.
    std::error_code ignored;
    const std::filesystem::path folder = std::filesystem::canonical(here.dli_fname, ignored).parent_path();
    for (const auto& candidate : {folder / "sluice" / "sluice", folder.parent_path() / "sluice" / "sluice"}) {
      if (std::filesystem::is_regular_file(candidate, ignored)) return candidate.string();
    }
  }
  return "sluice";
}

std::uint16_t find_free_port() {
  const Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof(address);
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  if (!probe.valid() || ::bind(probe.get(), name, size) != 0 || ::getsockname(probe.get(), name, &size) != 0) return 0;
  return ntohs(address.sin_port);
}

Result<std::filesystem::path, std::string> make_private_folder() {
  std::error_code ignored;
  std::filesystem::path temporary = std::filesystem::temp_directory_path(ignored);
  if (temporary.empty()) temporary = "/tmp";
  std::string name = (temporary / "sluice-program-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return unexpected("No folder can be made at " + name + ": " + why() + ".");
  return std::filesystem::path(name);
}

Result<ServerProcess, std::string> ServerProcess::start(const LaunchOrder& order) {
  const std::string configuration = order.control_socket + ".json";
  if (!write_file(configuration, order.configuration.dump()))
    return unexpected("The configuration cannot be written to " + configuration + ": " + why() + ".");
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return unexpected("No pipe can be made: " + why() + ".");
  Descriptor output(pipe_ends[0]);
  Descriptor theirs(pipe_ends[1]);
  Descriptor log;
  if (!order.log_file.empty()) {
    log = Descriptor(::open(order.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (!log.valid()) return unexpected("The log " + order.log_file + " cannot be opened: " + why() + ".");
  }
  std::vector<std::string> words{find_program(order.program), "serve", "--config", configuration, "--control-socket",
                                 order.control_socket};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return unexpected("No process can be started: " + why() + ".");
  if (child == 0) become(arguments.data(), theirs.get(), log.valid() ? log.get() : -1, order.ends_with_us);
  ServerProcess process(child, std::move(output));
  theirs = Descriptor();
  std::string text;
  if (wait_until_ready(process.output_.get(), order.limit, text)) return process;
  const bool over = process.end(true, 5s);
  return unexpected(words[0] + " did not become ready" + (over ? "; its log says why." : " and does not end.") +
                    (text.empty() ? "" : " It said: " + text));
}

bool ServerProcess::end(bool asks, std::chrono::milliseconds patience) {
  if (pid_ < 0) return true;
  if (asks) (void)::kill(pid_, SIGTERM);
  const auto deadline = Clock::now() + patience;
  while (true) {
    const pid_t over = ::waitpid(pid_, nullptr, WNOHANG);
    if (over == pid_ || (over < 0 && errno == ECHILD)) break;
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(10ms);
  }
  pid_ = -1;
  return true;
}

}  // namespace sluice::embedding
