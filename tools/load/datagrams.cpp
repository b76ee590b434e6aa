#include "tools/load/datagrams.hpp"

#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace sluice::load {

namespace {

constexpr std::size_t control_room = 128;
constexpr int socket_buffer = 4 << 20;

}  // namespace

SendBatch::SendBatch() : bytes_(capacity * datagram_room) {
  for (std::size_t i = 0; i < capacity; ++i) {
    parts_[i].iov_base = bytes_.data() + i * datagram_room;
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
}

MutableBytes SendBatch::begin() noexcept {
  return MutableBytes(bytes_).subspan(std::min(count_, capacity - 1) * datagram_room, datagram_room);
}

void SendBatch::end(std::size_t size) noexcept {
  parts_[count_].iov_len = size;
  ++count_;
}

void SendBatch::flush(int socket) noexcept {
  std::size_t sent = 0;
  while (sent < count_) {
    const int result = sendmmsg(socket, messages_.data() + sent, static_cast<unsigned>(count_ - sent), 0);
    if (result > 0) {
      sent += static_cast<std::size_t>(result);
      continue;
    }
    // An ICMP answer to an earlier datagram is reported once, here; the datagram itself was not tried.
    if (errno == EINTR || errno == ECONNREFUSED) {
      if (errno == ECONNREFUSED && ++refused_ != 0) ++sent;
      continue;
    }
    refused_ += count_ - sent;
    break;
  }
  count_ = 0;
}

ReceiveBatch::ReceiveBatch() : bytes_(capacity * datagram_room), controls_(capacity * control_room) {
  for (std::size_t i = 0; i < capacity; ++i) {
    parts_[i] = {bytes_.data() + i * datagram_room, datagram_room};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_control = controls_.data() + i * control_room;
  }
}

bool ReceiveBatch::receive(int socket, TimePoint now, std::int64_t wall_minus_monotonic_ns, const Taken& taken) {
  for (mmsghdr& message : messages_) message.msg_hdr.msg_controllen = control_room;
  const int count = recvmmsg(socket, messages_.data(), capacity, MSG_DONTWAIT, nullptr);
  if (count <= 0) return errno == EINTR || errno == ECONNREFUSED;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    msghdr& header = messages_[i].msg_hdr;
    TimePoint arrival = now;
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
      if (c->cmsg_level != SOL_SOCKET) continue;
      if (c->cmsg_type == SCM_TIMESTAMPNS) {
        timespec time{};
        std::memcpy(&time, CMSG_DATA(c), sizeof time);
        const std::int64_t wall = std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
        // In the future when the clock was set back meanwhile.
        arrival = std::min(now, TimePoint(Duration(wall - wall_minus_monotonic_ns)));
      } else if (c->cmsg_type == SO_RXQ_OVFL) {
        std::uint32_t total = 0;
        std::memcpy(&total, CMSG_DATA(c), sizeof total);
        const auto slot = static_cast<std::size_t>(socket);
        if (slot >= overflow_of_.size()) overflow_of_.resize(slot + 1);
        overflowed_ += total - overflow_of_[slot];
        overflow_of_[slot] = total;
      }
    }
    if ((header.msg_flags & MSG_TRUNC) == 0)
      taken(arrival, MutableBytes(bytes_).subspan(i * datagram_room, messages_[i].msg_len));
  }
  return static_cast<std::size_t>(count) == capacity;
}

bool prepare_media_socket(int socket) noexcept {
  const int on = 1;
  const int flags = fcntl(socket, F_GETFL);
  if (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) != 0) return false;
  // Beyond net.core.rmem_max only root may go; what is given is then enough for small runs.
  if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &socket_buffer, sizeof socket_buffer) != 0)
    (void)setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &socket_buffer, sizeof socket_buffer);
  if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &socket_buffer, sizeof socket_buffer) != 0)
    (void)setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &socket_buffer, sizeof socket_buffer);
  (void)setsockopt(socket, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  (void)setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  return true;
}

}  // namespace sluice::load
