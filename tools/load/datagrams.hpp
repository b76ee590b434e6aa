#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "shm/types/bytes.hpp"
#include "shm/types/time.hpp"

namespace sluice::load {

/// Datagrams of one connected socket on their way out, many per system call.
class SendBatch {
 public:
  static constexpr std::size_t capacity = 64;
  static constexpr std::size_t datagram_room = 1600;

  SendBatch();
  /// Room for the next datagram. Never more than `capacity` are pending: call flush() when full().
  [[nodiscard]] MutableBytes begin() noexcept;
  void end(std::size_t size) noexcept;
  [[nodiscard]] bool full() const noexcept { return count_ == capacity; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// Sends all that is pending; what the kernel refuses is dropped and counted.
  void flush(int socket) noexcept;
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  std::vector<std::byte> bytes_;
  std::array<iovec, capacity> parts_{};
  std::array<mmsghdr, capacity> messages_{};
  std::size_t count_ = 0;
  std::uint64_t refused_ = 0;
};

/// Receives many datagrams per system call, with the kernel's time of arrival: that the generator was busy elsewhere does
/// not show in latencies and gaps.
class ReceiveBatch {
 public:
  static constexpr std::size_t capacity = 64;
  static constexpr std::size_t datagram_room = 2048;

  /// `taken(arrival, datagram)` for each; bytes may be changed in place.
  using Taken = std::function<void(TimePoint, MutableBytes)>;

  ReceiveBatch();
  /// One system call. `wall_minus_monotonic_ns`: of the clocks, for the kernel's times. True when there may be more.
  bool receive(int socket, TimePoint now, std::int64_t wall_minus_monotonic_ns, const Taken& taken);
  /// Datagrams that the kernel dropped because a socket of ours was full (SO_RXQ_OVFL), summed over all sockets.
  [[nodiscard]] std::uint64_t overflowed() const noexcept { return overflowed_; }

 private:
  std::vector<std::byte> bytes_;
  std::vector<std::byte> controls_;
  std::array<iovec, capacity> parts_{};
  std::array<mmsghdr, capacity> messages_{};
  std::vector<std::uint32_t> overflow_of_;  // by descriptor: the kernel's count so far
  std::uint64_t overflowed_ = 0;
};

/// Large buffers, arrival times, overflow counts, no blocking. False when the socket cannot be used so.
[[nodiscard]] bool prepare_media_socket(int socket) noexcept;

}  // namespace sluice::load
