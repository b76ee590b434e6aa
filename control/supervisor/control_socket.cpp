#include "control/supervisor/control_socket.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "control/supervisor/start_error.hpp"

namespace sluice::supervisor {
namespace {

constexpr int waiting_max = 128;

/// As the rights of a file that is made: nobody gets in between bind() and chmod().
class NobodyElse {
 public:
  NobodyElse() : before_(::umask(0177)) {}
  ~NobodyElse() { (void)::umask(before_); }
  NobodyElse(const NobodyElse&) = delete;
  NobodyElse& operator=(const NobodyElse&) = delete;

 private:
  mode_t before_;
};

Descriptor listen_at_path(const ControlSocketPlace& place, std::string& reason) {
  sockaddr_un name{};
  const std::string text = place.path.string();
  if (text.size() >= sizeof(name.sun_path)) {
    reason = "its path is too long";
    return {};
  }
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, text.c_str(), text.size() + 1);
  const auto* address = reinterpret_cast<const sockaddr*>(&name);
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), address, sizeof(name)) == 0 || errno == EAGAIN) {
    reason = "another server listens there";
    return {};
  }
  // Nobody does: a socket of a server that has ended. Anything but a socket is left alone.
  struct stat status {};
  if (::lstat(text.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) (void)::unlink(text.c_str());
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const NobodyElse while_bound;
  if (!socket.valid() || ::bind(socket.get(), address, sizeof(name)) != 0) {
    reason = std::strerror(errno);
    return {};
  }
  if (!place.group.empty()) {
    const group* found = ::getgrnam(place.group.c_str());
    if (found == nullptr || ::chown(text.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0) {
      reason = "it cannot be given to the group " + place.group;
      (void)::unlink(text.c_str());
      return {};
    }
  }
  if (::listen(socket.get(), waiting_max) != 0 || ::chmod(text.c_str(), static_cast<mode_t>(place.mode)) != 0) {
    reason = std::strerror(errno);
    (void)::unlink(text.c_str());
    return {};
  }
  return socket;
}

}  // namespace

Descriptor open_control_socket(const ControlSocketPlace& place, std::string& reason) {
  if (place.path.empty()) return {};
  Descriptor socket = listen_at_path(place, reason);
  if (!socket.valid() && place.was_asked_for)
    throw StartError("The control socket " + place.path.string() + " cannot be opened: " + reason +
                     ". Choose another path by --control-socket.");
  return socket;
}

bool listens_at(int socket, const std::filesystem::path& path) {
  sockaddr_un name{};
  socklen_t size = sizeof(name);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0 || name.sun_family != AF_UNIX) return false;
  return path == std::filesystem::path(name.sun_path);
}

}  // namespace sluice::supervisor
