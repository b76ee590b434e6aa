#include "tests/integration/exhaustion/server_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "test_paths.hpp"
#include "tests/support/free_port.hpp"

namespace sluice::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return name;
}

int milliseconds_of(Clock::duration d) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(d).count());
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The fields of /proc/PID/stat behind the name, which may hold anything.
std::vector<std::string> stat_of(pid_t pid) {
  const std::string text = read_text("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t behind = text.rfind(')');
  if (behind == std::string::npos) return {};
  std::istringstream words(text.substr(behind + 1));
  std::vector<std::string> fields;
  for (std::string word; words >> word;) fields.push_back(word);
  return fields;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    const auto fields = stat_of(std::stoi(name));
    if (fields.size() > 1 && fields[0] != "Z" && std::stoi(fields[1]) == parent) out.push_back(std::stoi(name));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

bool eventually(const std::function<bool()>& condition, Clock::duration limit) {
  const auto end = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

ServerProcess::ServerProcess(const Setup& setup) : port_(free_tcp_port()), admin_port_(free_tcp_port()) {
  std::vector<std::string> words{SLUICE_BIN_DIR "/sluice",
                                 "serve",
                                 "--signaling.host=127.0.0.1",
                                 "--signaling.port=" + std::to_string(port_),
                                 "--adminApi.port=" + std::to_string(admin_port_),
                                 "--media.port=" + std::to_string(free_tcp_port()),
                                 "--media.listen=127.0.0.1",
                                 "--media.announced_ip=127.0.0.1",
                                 "--store.path=" + (folder_ / "store").string(),
                                 "--workers.count=1"};
  words.insert(words.end(), setup.options.begin(), setup.options.end());
  std::vector<std::string> environment = setup.environment;
  for (char** variable = environ; *variable != nullptr; ++variable) environment.emplace_back(*variable);
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
  };
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(environment);

  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  output_.reset(pipe[0]);
  const Descriptor input(pipe[1]);
  log_.reset(::memfd_create("log", MFD_CLOEXEC));
  // Each process writes with an offset of its own otherwise.
  (void)::fcntl(log_.get(), F_SETFL, O_APPEND);
  reads_output_ = setup.stdout_path == nullptr;
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ > 0) return;
  (void)::dup2(setup.stdout_path != nullptr ? ::open(setup.stdout_path, O_WRONLY) : input.get(), STDOUT_FILENO);
  (void)::dup2(setup.stderr_path != nullptr ? ::open(setup.stderr_path, O_WRONLY) : log_.get(), STDERR_FILENO);
  for (const auto& [resource, value] : setup.limits) {
    const rlimit limit{value, value};
    (void)::setrlimit(resource, &limit);
  }
  (void)::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

ServerProcess::~ServerProcess() {
  if (ended_) return;
  std::vector<pid_t> left = children_of(pid_);
  (void)::kill(pid_, SIGKILL);
  (void)::waitpid(pid_, nullptr, 0);
  for (const pid_t child : left) (void)::kill(child, SIGKILL);
}

bool ServerProcess::wait_until_ready() {
  if (!reads_output_) return eventually([&] { return accepts(); });
  std::string text;
  const auto end = Clock::now() + patience;
  while (text.find("sluice ready") == std::string::npos) {
    pollfd ready{output_.get(), POLLIN, 0};
    if (Clock::now() > end || ::poll(&ready, 1, 1000) < 0) return false;
    if (ready.revents == 0) continue;
    std::array<char, 1024> buffer{};
    const ssize_t size = ::read(output_.get(), buffer.data(), buffer.size());
    if (size <= 0) return false;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return true;
}

std::vector<pid_t> ServerProcess::children(const std::string& program) const {
  std::vector<pid_t> out;
  for (const pid_t child : children_of(pid_)) {
    const std::string command = read_text("/proc/" + std::to_string(child) + "/cmdline");
    if (std::filesystem::path(command.substr(0, command.find('\0'))).filename() == program) out.push_back(child);
  }
  return out;
}

pid_t ServerProcess::child(const std::string& program) const {
  const auto all = children(program);
  return all.empty() ? 0 : all.front();
}

std::string ServerProcess::log() const {
  struct stat status {};
  if (::fstat(log_.get(), &status) != 0) return {};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t size = ::pread(log_.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

std::optional<int> ServerProcess::wait_for_end(Clock::duration limit) {
  int status = 0;
  if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, limit)) return std::nullopt;
  ended_ = true;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::optional<int> ServerProcess::stop() {
  (void)::kill(pid_, SIGTERM);
  return wait_for_end();
}

std::string ServerProcess::metrics(Clock::duration limit) const {
  const Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in name = loopback(admin_port_);
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return {};
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  (void)!::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string text;
  const auto end = Clock::now() + limit;
  while (true) {
    pollfd ready{client.get(), POLLIN, 0};
    if (::poll(&ready, 1, std::max(0, milliseconds_of(end - Clock::now()))) <= 0) return {};
    std::array<char, 16384> buffer{};
    const ssize_t size = ::recv(client.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) return text.starts_with("HTTP/1.1 200") ? text : "";
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

bool ServerProcess::accepts() const {
  return Visitor(port_).state() == Visitor::State::open;
}

double cpu_share(pid_t pid, Clock::duration length) {
  const auto ticks = [&] {
    const auto fields = stat_of(pid);
    return fields.size() > 12 ? std::stod(fields[11]) + std::stod(fields[12]) : 0.0;
  };
  const double before = ticks();
  const auto begin = Clock::now();
  std::this_thread::sleep_for(length);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return (ticks() - before) / static_cast<double>(::sysconf(_SC_CLK_TCK)) / seconds;
}

std::size_t open_descriptors(pid_t pid) {
  const std::filesystem::directory_iterator fds("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(fds), end(fds)));
}

std::uint64_t status_bytes(pid_t pid, const std::string& field) {
  const std::string text = read_text("/proc/" + std::to_string(pid) + "/status");
  const std::size_t at = text.find(field + ":");
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + field.size() + 1)) * 1024;
}

bool set_limit(pid_t pid, __rlimit_resource_t resource, rlim_t value) {
  rlimit limit{};
  if (::prlimit(pid, static_cast<__rlimit_resource>(resource), nullptr, &limit) != 0) return false;
  limit.rlim_cur = std::min(value, limit.rlim_max);
  return ::prlimit(pid, static_cast<__rlimit_resource>(resource), &limit, nullptr) == 0;
}

Visitor::Visitor(std::uint16_t port, Clock::duration limit) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in name = loopback(port);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    state_ = State::refused;
    return;
  }
  const std::string request =
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  (void)!::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
  pollfd ready{fd_, POLLIN, 0};
  if (::poll(&ready, 1, milliseconds_of(limit)) <= 0) return;
  std::array<char, 4096> buffer{};
  const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
  const std::string_view answer(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  state_ = answer.starts_with("HTTP/1.1 101") ? State::open : State::refused;
}

Visitor::~Visitor() {
  if (fd_ >= 0) ::close(fd_);
}

std::string Visitor::read_some(Clock::duration limit) const {
  pollfd ready{fd_, POLLIN, 0};
  if (::poll(&ready, 1, milliseconds_of(limit)) <= 0) return {};
  std::array<char, 4096> buffer{};
  const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
  return {buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

bool Visitor::alive(Clock::duration limit) {
  constexpr std::array<unsigned char, 7> ping{0x89, 0x81, 0, 0, 0, 0, 'p'};
  (void)!::send(fd_, ping.data(), ping.size(), MSG_NOSIGNAL);
  std::string got;
  const auto end = Clock::now() + limit;
  while (got.find("\x8a\x01p") == std::string::npos) {
    const auto left = end - Clock::now();
    if (left <= Clock::duration::zero()) return false;
    const std::string more = read_some(left);
    if (more.empty()) return false;
    got += more;
  }
  return true;
}

void Visitor::begin_message(std::size_t size) const {
  // FIN is not set; masked with zeros.
  std::string frame{'\x01', '\xff'};
  for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(size >> shift);
  frame += std::string(4, '\0') + std::string(size, 'x');
  for (std::size_t at = 0; at < frame.size();) {
    const ssize_t sent = ::send(fd_, frame.data() + at, frame.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) {
      pollfd room{fd_, POLLOUT, 0};
      if (sent == 0 || ::poll(&room, 1, 500) <= 0) return;
      continue;
    }
    at += static_cast<std::size_t>(sent);
  }
}

}  // namespace sluice::test
