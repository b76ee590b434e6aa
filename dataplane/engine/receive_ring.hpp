#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/engine/received_message.hpp"

namespace sluice {

/// The buffers that io_uring fills by multishot recvmsg, and the ring by which the kernel takes them (provided buffers).
/// A buffer is the kernel's from give_back() until a completion names it.
class ReceiveRing {
 public:
  /// Registers `buffers` (a power of two) buffers with `ring`, each with room for a payload of `payload_bytes`. Throws
  /// EngineUnavailable.
  ReceiveRing(io_uring& ring, std::uint32_t buffers, std::size_t payload_bytes);
  /// The kernel must have let go of them: the ring is closed before.
  ~ReceiveRing();
  ReceiveRing(const ReceiveRing&) = delete;
  ReceiveRing& operator=(const ReceiveRing&) = delete;

  static constexpr std::uint16_t group = 0;

  /// The message header that multishot recvmsg uses as a pattern: how much room for the address and control data.
  [[nodiscard]] msghdr* pattern() noexcept { return &pattern_; }
  /// What lies in `buffer` (0..buffers-1), of which the kernel used `bytes`; nothing when that is impossible.
  [[nodiscard]] std::optional<ReceivedMessage> read(std::uint16_t buffer, std::size_t bytes, std::uint16_t socket) noexcept;
  /// Puts `buffer` at the end of the kernel's queue; visible to it after publish().
  void give_back(std::uint16_t buffer) noexcept;
  void publish() noexcept;
  [[nodiscard]] std::uint32_t buffers() const noexcept { return buffers_; }

 private:
  [[nodiscard]] std::byte* buffer_at(std::uint16_t buffer) noexcept { return memory_ + std::size_t{buffer} * stride_; }

  std::uint32_t buffers_;
  std::size_t stride_;
  std::size_t memory_bytes_;
  std::size_t queue_bytes_;
  std::byte* memory_ = nullptr;
  io_uring_buf_ring* queue_ = nullptr;
  int pending_ = 0;  // given back and not published
  msghdr pattern_{};
};

}  // namespace sluice
