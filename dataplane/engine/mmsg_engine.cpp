#include "dataplane/engine/mmsg_engine.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "dataplane/engine/clock.hpp"

namespace sluice {
namespace {

// Batching from 1 to 16 saves 450 ns a message, beyond that nothing (limits.md section 2).
constexpr std::size_t send_batch_max = 64;
constexpr std::uint32_t receive_batch_max = 64;

}  // namespace

MmsgEngine::MmsgEngine(const EngineConfig& config)
    : sockets_(prepare_media_sockets(config)),
      datagram_bytes_max_(config.datagram_bytes_max),
      pool_(config.packets),
      trains_(config.messages, sockets_, statistics_),
      outgoing_(send_batch_max),
      now_(read_clock()) {
  // One byte more than allowed is enough to tell that a datagram is too long.
  const std::size_t payload = sockets_.receive_offload ? coalesced_bytes_max : datagram_bytes_max_ + 1;
  receive_ = std::make_unique<ReceiveBatch>(std::min(config.receive_buffers, receive_batch_max), payload);
  polled_.reserve(sockets_.sockets.size() + doorbells_max);
  doorbells_.reserve(doorbells_max);
  // A negative descriptor is not looked at.
  for (const MediaSocket& socket : sockets_.sockets) polled_.push_back({socket.receives ? socket.fd : -1, POLLIN, 0});
}

MmsgEngine::~MmsgEngine() {
  flush();
}

void MmsgEngine::add_doorbell(int fd, std::uint32_t id) {
  if (doorbells_.size() == doorbells_max) throw EngineUnavailable("One doorbell too many.");
  polled_.push_back({fd, POLLIN, 0});
  doorbells_.push_back(id);
}

PacketBuffer MmsgEngine::acquire() noexcept {
  PacketBuffer packet = pool_.acquire();
  if (!packet) {
    flush();
    packet = pool_.acquire();
    if (!packet) ++statistics_.packet_pool_empty;
  }
  return packet;
}

void MmsgEngine::send(const Tuple& to, PacketBuffer packet) noexcept {
  if (trains_.exhausted()) flush();
  trains_.add(to, std::move(packet));
  if (trains_.ready() >= send_batch_max) send_ready();
}

void MmsgEngine::flush() noexcept {
  trains_.close_open();
  send_ready();
}

void MmsgEngine::send_ready() noexcept {
  while (blocked_ < 0 && trains_.ready() > 0 && send_batch()) {
  }
}

/// One sendmmsg of the oldest ready trains that share a socket. False when nothing moved.
bool MmsgEngine::send_batch() noexcept {
  const std::uint16_t socket = trains_.ready_at(0).to.socket;
  unsigned count = 0;
  while (count < send_batch_max && count < trains_.ready() && trains_.ready_at(count).to.socket == socket) {
    outgoing_[count] = {trains_.ready_at(count).header, 0};
    ++count;
  }
  const int sent = ::sendmmsg(sockets_.sockets[socket].fd, outgoing_.data(), count, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) {
    for (int i = 0; i < sent; ++i) trains_.completed(*trains_.depart());
    return true;
  }
  const int error = errno;
  if (error == EINTR) return true;
  if (error == EAGAIN) {
    blocked_ = socket;
    return false;
  }
  trains_.refused(*trains_.depart(), error);  // the first of the batch is the one that failed
  return true;
}

void MmsgEngine::wait(TimePoint deadline) noexcept {
  for (std::size_t i = 0; i < sockets_.sockets.size(); ++i) {
    const bool blocked = std::cmp_equal(i, blocked_);
    const MediaSocket& socket = sockets_.sockets[i];
    const int events = (socket.receives ? POLLIN : 0) | (blocked ? POLLOUT : 0);
    polled_[i] = {socket.receives || blocked ? socket.fd : -1, static_cast<short>(events), 0};
  }
  timespec timeout{};
  const timespec* limit = &timeout;
  if (backlog_) {
    // Nothing to wait for, but doorbells and other sockets are looked at.
  } else if (deadline == never) {
    limit = nullptr;
  } else if (const TimePoint before = read_clock(); deadline > before) {
    const auto left = deadline - before;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timeout = {static_cast<time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
  }
  if (limit == nullptr || timeout.tv_sec != 0 || timeout.tv_nsec != 0) ++statistics_.waits;
  if (::ppoll(polled_.data(), polled_.size(), limit, nullptr) <= 0) {
    for (pollfd& polled : polled_) polled.revents = 0;
  }
}

std::size_t MmsgEngine::receive_from(std::uint16_t socket, EngineHandler& handler) noexcept {
  const int count = receive_->receive(sockets_.sockets[socket].fd);
  if (count < 0) {
    if (count != -EAGAIN && count != -EINTR) ++statistics_.receive_failures;
    return 0;
  }
  if (std::cmp_equal(count, receive_->capacity())) {
    backlog_ = true;
    ++statistics_.receive_exhausted;
  }
  std::size_t delivered = 0;
  for (int i = 0; i < count; ++i) {
    delivered +=
        deliver(receive_->message(static_cast<std::size_t>(i), socket), now_, datagram_bytes_max_, handler, statistics_);
  }
  return delivered;
}

std::size_t MmsgEngine::answer_doorbells(EngineHandler& handler) noexcept {
  std::size_t rung = 0;
  for (std::size_t i = 0; i < doorbells_.size(); ++i) {
    const pollfd& polled = polled_[sockets_.sockets.size() + i];
    if ((polled.revents & POLLIN) == 0) continue;
    std::array<std::byte, 128> content{};  // eight bytes of an eventfd or one signal of a signalfd
    [[maybe_unused]] const ssize_t size = ::read(polled.fd, content.data(), content.size());
    ++statistics_.doorbells;
    handler.on_doorbell(doorbells_[i]);
    ++rung;
  }
  return rung;
}

std::size_t MmsgEngine::run_once(TimePoint deadline, EngineHandler& handler) {
  flush();
  wait(deadline);
  now_ = read_clock();
  if (blocked_ >= 0 && (polled_[static_cast<std::size_t>(blocked_)].revents & (POLLOUT | POLLERR)) != 0) {
    blocked_ = -1;
    send_ready();
  }
  std::size_t handled = answer_doorbells(handler);
  backlog_ = false;
  for (std::size_t i = 0; i < sockets_.sockets.size(); ++i) {
    if (sockets_.sockets[i].receives && (polled_[i].revents & (POLLIN | POLLERR)) != 0)
      handled += receive_from(static_cast<std::uint16_t>(i), handler);
  }
  return handled;
}

}  // namespace sluice
