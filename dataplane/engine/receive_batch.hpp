#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/engine/received_message.hpp"

namespace sluice {

/// Buffers and headers for one recvmmsg of up to `messages` messages.
class ReceiveBatch {
 public:
  /// Each with room for a payload of `payload_bytes`. Throws EngineUnavailable.
  ReceiveBatch(std::uint32_t messages, std::size_t payload_bytes);
  ~ReceiveBatch();
  ReceiveBatch(const ReceiveBatch&) = delete;
  ReceiveBatch& operator=(const ReceiveBatch&) = delete;

  /// Takes what waits on `fd` without blocking. Returns how many messages, or a negative errno.
  [[nodiscard]] int receive(int fd) noexcept;
  /// The i-th message of the last receive(), which came from the socket with index `socket`.
  [[nodiscard]] ReceivedMessage message(std::size_t i, std::uint16_t socket) noexcept;
  [[nodiscard]] std::size_t capacity() const noexcept { return headers_.size(); }

 private:
  struct Control {
    alignas(cmsghdr) std::byte bytes[offload_control_bytes];
  };
  std::size_t payload_bytes_;
  std::size_t stride_;
  std::byte* memory_ = nullptr;
  std::vector<mmsghdr> headers_;
  std::vector<iovec> parts_;
  std::vector<SocketName> names_;
  std::vector<Control> controls_;
};

}  // namespace sluice
