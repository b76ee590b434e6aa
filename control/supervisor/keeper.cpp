#include "control/supervisor/keeper.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "control/supervisor/local_socket.hpp"
#include "control/supervisor/roster.hpp"

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

// Who asks does so at once; nobody can make it wait for longer.
constexpr auto patience = 1000ms;
constexpr int look_every_ms = 1000;
constexpr int lonely_looks_max = 10;

RosterSegment attached(int fd) {
  auto roster = RosterSegment::attach(fd, Access::read_only);
  if (!roster) throw std::runtime_error("the roster: " + roster.error().to_string());
  return std::move(*roster);
}

bool is_readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return ::poll(&ready, 1, 0) > 0;
}

bool send_kind(int socket, KeeperMessage::Kind kind) {
  const KeeperMessage message{.kind = kind};
  return ::send(socket, &message, sizeof(message), MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof(message));
}

}  // namespace

Keeper::Keeper(DescriptorSet descriptors, pid_t supervisor, uid_t owner)
    : listener_(descriptors.take("listener")),
      supervisor_(descriptors.take("supervisor")),
      supervisor_pid_(supervisor),
      owner_(owner),
      kept_(std::move(descriptors)),
      roster_(attached(kept_.find("roster"))) {
  if (!listener_.valid() || !supervisor_.valid()) throw std::runtime_error("the supervisor passed no socket");
}

bool Keeper::supervised() const {
  return supervisor_.valid() && !is_readable(supervisor_.get());
}

bool Keeper::is_of_use() {
  // Another one has all that we have, and the name. Its supervisor died before it could end us.
  const auto keeper = static_cast<pid_t>(roster_->keeper.pid.load(std::memory_order_acquire));
  if (!supervised() && keeper != ::getpid() && lives(roster_->keeper)) return false;
  lonely_looks_ = supervised() || anybody_lives(*roster_) ? 0 : lonely_looks_ + 1;
  return lonely_looks_ < lonely_looks_max;
}

void Keeper::run(int stop_fd) {
  while (true) {
    const bool watched_over = supervised();
    if (!watched_over) supervisor_.reset();
    std::array<pollfd, 3> watched{pollfd{stop_fd, POLLIN, 0}, pollfd{listener_.get(), POLLIN, 0},
                                  pollfd{supervisor_.get(), POLLIN, 0}};
    const int ready = ::poll(watched.data(), watched.size(), watched_over ? -1 : look_every_ms);
    if (watched[0].revents != 0) return;
    if (watched[1].revents != 0) {
      const Descriptor client = accept_from(listener_.get(), owner_, patience);
      if (client.valid()) answer(client.get());
    }
    if (ready == 0 && !is_of_use()) return;
  }
}

void Keeper::answer(int client) {
  KeeperMessage question;
  if (::recv(client, &question, sizeof(question), MSG_TRUNC) != static_cast<ssize_t>(sizeof(question)) ||
      question.magic != KeeperMessage::expected_magic || question.kind != KeeperMessage::Kind::ask) {
    return;
  }
  const std::optional<ucred> peer = peer_of(client);
  if (!peer) return;
  // A supervisor that executed another build of itself is the same process and knows nothing any more.
  if (supervised() && peer->pid != supervisor_pid_) {
    (void)send_kind(client, KeeperMessage::Kind::supervised);
    return;
  }
  std::vector<NamedDescriptor> all;
  for (const auto& [name, descriptor] : kept_.all()) all.push_back({name, descriptor.get()});
  if (!send_kind(client, KeeperMessage::Kind::granted) || !send_descriptors(client, all)) return;
  take_supervisor(peer->pid);
}

void Keeper::take_supervisor(pid_t pid) {
  supervisor_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  supervisor_pid_ = pid;
  lonely_looks_ = 0;
}

}  // namespace sluice::supervisor
