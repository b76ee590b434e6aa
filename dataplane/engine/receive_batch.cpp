#include "dataplane/engine/receive_batch.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace sluice {

ReceiveBatch::ReceiveBatch(std::uint32_t messages, std::size_t payload_bytes)
    : payload_bytes_(payload_bytes),
      // An odd number of cache lines, as in ReceiveRing.
      stride_((payload_bytes + 127) / 128 * 128 + 64),
      headers_(messages),
      parts_(messages),
      names_(messages),
      controls_(messages) {
  void* memory =
      ::mmap(nullptr, stride_ * messages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw EngineUnavailable("No memory for the receive buffers: " + std::string(std::strerror(errno)) + ".");
  memory_ = static_cast<std::byte*>(memory);
  for (std::size_t i = 0; i < messages; ++i) {
    parts_[i] = {memory_ + i * stride_, payload_bytes_};
    headers_[i].msg_hdr.msg_name = &names_[i];
    headers_[i].msg_hdr.msg_iov = &parts_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_control = controls_[i].bytes;
  }
}

ReceiveBatch::~ReceiveBatch() {
  (void)::munmap(memory_, stride_ * headers_.size());
}

int ReceiveBatch::receive(int fd) noexcept {
  // The kernel writes the lengths that it used; only those of the last batch differ, but telling which is no cheaper.
  for (mmsghdr& header : headers_) {
    header.msg_hdr.msg_namelen = sizeof(SocketName);
    header.msg_hdr.msg_controllen = offload_control_bytes;
  }
  const int count = ::recvmmsg(fd, headers_.data(), static_cast<unsigned>(headers_.size()), MSG_DONTWAIT, nullptr);
  return count >= 0 ? count : -errno;
}

ReceivedMessage ReceiveBatch::message(std::size_t i, std::uint16_t socket) noexcept {
  const mmsghdr& header = headers_[i];
  ReceivedMessage message;
  message.name = &names_[i];
  message.socket = socket;
  message.bytes = {memory_ + i * stride_, header.msg_len};
  message.segment_bytes = segment_bytes_of(header.msg_hdr);
  message.truncated = (header.msg_hdr.msg_flags & MSG_TRUNC) != 0;
  return message;
}

}  // namespace sluice
