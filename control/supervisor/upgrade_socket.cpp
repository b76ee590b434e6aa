#include "control/supervisor/upgrade_socket.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "control/supervisor/local_socket.hpp"
#include "control/supervisor/runtime_folder.hpp"

namespace sluice::supervisor {

std::filesystem::path upgrade_path(const SupervisorConfig& config) {
  return config.runtime_folder / ("serve-" + socket_name(config.media_port, config.listen));
}

UpgradeSocket UpgradeSocket::listen(const std::filesystem::path& path) {
  UpgradeSocket socket;
  (void)::unlink(path.c_str());
  socket.listener_ = listen_at(path);
  return socket;
}

void UpgradeSocket::watch(std::vector<pollfd>& watched) const {
  if (client_.valid()) {
    if (!asked_) watched.push_back({client_.get(), POLLIN, 0});
  } else if (listener_.valid()) {
    watched.push_back({listener_.get(), POLLIN, 0});
  }
}

std::optional<std::filesystem::path> UpgradeSocket::take_request() {
  if (!client_.valid() && listener_.valid()) client_ = accept_from(listener_.get(), ::geteuid(), {});
  if (!client_.valid() || asked_) return std::nullopt;
  UpgradeRequest request;
  const ssize_t size = ::recv(client_.get(), &request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  const bool terminated = std::find(request.folder.begin(), request.folder.end(), '\0') != request.folder.end();
  if (size != static_cast<ssize_t>(sizeof(request)) || request.magic != UpgradeRequest::expected_magic || !terminated ||
      request.folder.front() != '/') {
    client_.reset();
    return std::nullopt;
  }
  asked_ = true;
  return std::filesystem::path(request.folder.data());
}

void UpgradeSocket::say(UpgradeAnswer::Kind kind, const std::string& text) {
  if (!client_.valid()) return;
  UpgradeAnswer answer;
  answer.kind = kind;
  std::copy_n(text.begin(), std::min(text.size(), answer.text.size() - 1), answer.text.begin());
  // Who does not read does not want to know.
  (void)::send(client_.get(), &answer, sizeof(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (kind == UpgradeAnswer::Kind::progress) return;
  client_.reset();
  asked_ = false;
}

void UpgradeSocket::adopt_client(Descriptor client) noexcept {
  client_ = std::move(client);
  asked_ = true;
}

}  // namespace sluice::supervisor
