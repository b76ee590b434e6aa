#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/engine/engine_statistics.hpp"
#include "dataplane/engine/media_socket.hpp"
#include "dataplane/engine/socket_name.hpp"
#include "dataplane/memory/fixed_queue.hpp"
#include "dataplane/memory/packet_buffer.hpp"
#include "shm/types/address.hpp"

namespace sluice {

/// Packets that leave in one send: consecutive, to one tuple, of one size, the last one perhaps shorter (UDP_SEGMENT). The
/// kernel reads all of it until the send completes, so a train stays at its address and owns its packets until then.
struct Train {
  /// Beyond 16 segments the cost per packet hardly falls (limits.md: 205 ns at 16, 172 at 32), and the pacer releases no
  /// more.
  static constexpr std::size_t packets_max = 16;

  Tuple to;
  std::size_t count = 0;
  std::size_t segment_bytes = 0;  // size of every packet but the last
  std::size_t bytes = 0;
  bool closed = false;  // full, or its last packet is a shorter one
  std::array<PacketBuffer, packets_max> packets;

  // What sendmsg is given; filled by prepare().
  msghdr header{};
  SocketName name{};
  std::array<iovec, packets_max> parts{};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))> control{};

  /// Whether a packet of `size` bytes to `tuple` may be appended.
  [[nodiscard]] bool accepts(const Tuple& tuple, std::size_t size) const noexcept;
  void append(PacketBuffer packet) noexcept;
  /// Fills `header` for a socket of `family`.
  void prepare(sa_family_t family) noexcept;
  /// Gives the packets back to their pool.
  void clear() noexcept;
};

/// A fixed number of trains: one being built, some closed and ready to leave in order, the rest free or in the kernel's
/// hands. Full policy: the newest packet is dropped and counted. Allocates at construction only.
class TrainYard {
 public:
  /// Trains are joined only with `send_offload`; else every packet is a train of its own.
  TrainYard(std::uint32_t trains, const MediaSocketSet& sockets, EngineStatistics& statistics);

  /// Appends to the open train, or closes it and opens the next.
  void add(const Tuple& to, PacketBuffer packet) noexcept;
  /// Closes the open train, so that it becomes ready.
  void close_open() noexcept;

  [[nodiscard]] std::size_t ready() const noexcept { return ready_.size(); }
  /// The i-th ready train, oldest first; i < ready().
  [[nodiscard]] Train& ready_at(std::size_t i) noexcept { return trains_[ready_[i]]; }
  /// Takes the oldest ready train out: it belongs to the kernel until completed() or refused().
  [[nodiscard]] std::optional<std::uint32_t> depart() noexcept { return ready_.pop(); }
  [[nodiscard]] Train& at(std::uint32_t index) noexcept { return trains_[index]; }
  /// Whether a new packet would find no free train.
  [[nodiscard]] bool exhausted() const noexcept { return free_.empty(); }
  [[nodiscard]] std::size_t departed() const noexcept {
    return trains_.size() - free_.size() - ready_.size() - (open_ ? 1U : 0U);
  }

  /// The kernel took the train.
  void completed(std::uint32_t index) noexcept;
  /// The kernel refused it with `error` (an errno). A train of several packets that met the limits of a route or device
  /// becomes ready again as single packets; after a refusal by the device no trains are joined any more.
  void refused(std::uint32_t index, int error) noexcept;

 private:
  [[nodiscard]] Train* open_for(const Tuple& to) noexcept;
  void release(std::uint32_t index) noexcept;

  std::vector<Train> trains_;
  std::vector<std::uint32_t> free_;  // never grows past its reserve
  FixedQueue<std::uint32_t> ready_;
  std::optional<std::uint32_t> open_;
  std::vector<MediaSocket> sockets_;
  bool join_;
  EngineStatistics& statistics_;
};

}  // namespace sluice
