#include "control/cli/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "control/cli/send_all.hpp"

namespace sluice::cli {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

namespace {

std::vector<std::string> default_paths() {
  std::vector<std::string> paths;
  if (const char* given = std::getenv("SLUICE_CONTROL_SOCKET"); given != nullptr && *given != '\0') return {given};
  paths.emplace_back("/run/sluice/control.sock");
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/')
    paths.push_back(std::string(runtime) + "/sluice/control.sock");
  std::error_code ignored;
  std::filesystem::path temporary = std::filesystem::temp_directory_path(ignored);
  if (temporary.empty()) temporary = "/tmp";
  paths.push_back((temporary / ("sluice-" + std::to_string(::geteuid())) / "control.sock").string());
  return paths;
}

Descriptor connect_to(const std::string& path) {
  sockaddr_un name{};
  if (path.size() >= sizeof(name.sun_path)) {
    errno = ENAMETOOLONG;
    return {};
  }
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid() || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) return {};
  return socket;
}

}  // namespace

Result<ControlClient, std::string> ControlClient::connect(const std::string& path) {
  const std::vector<std::string> paths = path.empty() ? default_paths() : std::vector<std::string>{path};
  std::string tried;
  for (const std::string& candidate : paths) {
    if (Descriptor socket = connect_to(candidate); socket.valid()) return ControlClient(std::move(socket));
    tried += (tried.empty() ? "" : ", ") + candidate + " (" + std::strerror(errno) + ")";
  }
  return unexpected("No server answers at " + tried +
                    ". Is one running, and may you use its socket (--control-socket PATH)?");
}

std::optional<json> ControlClient::read_line(Clock::time_point deadline) {
  while (true) {
    if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
      json message = json::parse(buffer_.substr(0, end), nullptr, false);
      buffer_.erase(0, end + 1);
      if (!message.is_discarded()) return message;
      continue;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd watched{socket_.get(), POLLIN, 0};
    // What is there already is taken even when the time is up. An interruption is for the caller to see.
    if (::poll(&watched, 1, static_cast<int>(std::clamp<long>(left, 0, 1'000'000))) <= 0) return std::nullopt;
    std::array<char, 65536> part{};
    const ssize_t size = ::recv(socket_.get(), part.data(), part.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) {
      ended_ = true;
      return std::nullopt;
    }
    buffer_.append(part.data(), static_cast<std::size_t>(size));
  }
}

Result<json, ControlClient::Error> ControlClient::call(const std::string& method, const json& params,
                                                       std::chrono::milliseconds patience) {
  const std::uint64_t id = ++last_id_;
  json request{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}};
  if (!params.is_null()) request["params"] = params;
  if (!send_all(socket_.get(), request.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"))
    return unexpected(Error{0, "The server closed the connection."});
  const auto deadline = Clock::now() + patience;
  while (std::optional<json> message = read_line(deadline)) {
    if (message->contains("method")) {
      waiting_.push_back(std::move(*message));
      continue;
    }
    if (message->value("id", json()) != id) continue;
    if (const auto result = message->find("result"); result != message->end()) return *result;
    const json error = message->value("error", json::object());
    return unexpected(Error{error.value("code", 0), error.value("message", std::string("the server refused"))});
  }
  return unexpected(Error{0, ended_ ? "The server closed the connection." : "The server did not answer in time."});
}

std::optional<json> ControlClient::next(std::chrono::milliseconds patience) {
  if (!waiting_.empty()) {
    json first = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    return first;
  }
  return read_line(Clock::now() + patience);
}

}  // namespace sluice::cli
