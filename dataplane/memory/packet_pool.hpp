#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/memory/packet_buffer.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {

/// A fixed number of 2048-byte slots for datagrams, in one piece of memory that is allocated at construction (or given
/// by the caller: a region registered with the kernel, for instance). Belongs to one thread. Full policy: acquire()
/// gives an empty handle and the caller drops the packet and counts it. The pool must outlive its buffers.
class PacketPool {
 public:
  /// Room for a 1500-byte datagram, the SRTP tag and index, and a power of two for the kernel's buffer rings.
  static constexpr std::size_t slot_size = 2048;
  /// Slots start on pages, so that the memory can be registered and excluded from dumps.
  static constexpr std::size_t alignment = 4096;

  /// Allocates slots * slot_size bytes; throws std::bad_alloc at start-up if that fails.
  explicit PacketPool(std::uint32_t slots);
  /// Uses `memory`, which must outlive the pool; memory.size() / slot_size slots.
  explicit PacketPool(MutableBytes memory);
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  /// A free slot with size() 0, or an empty handle when none is left. The most recently returned slot comes first: it is
  /// warm in the cache.
  [[nodiscard]] PacketBuffer acquire() noexcept;

  /// The handle of a slot that was detached before (PacketBuffer::detach): how the engine gets back what it lent to the
  /// kernel. `size` <= slot_size.
  [[nodiscard]] PacketBuffer attach(std::uint32_t slot, std::size_t size) noexcept;

  [[nodiscard]] std::uint32_t slots() const noexcept { return static_cast<std::uint32_t>(lent_.size()); }
  [[nodiscard]] std::uint32_t free_slots() const noexcept { return static_cast<std::uint32_t>(free_.size()); }
  /// All slots, one after the other; slot i begins at i * slot_size.
  [[nodiscard]] MutableBytes memory() noexcept { return memory_; }

 private:
  friend class PacketBuffer;
  struct FreeMemory {
    void operator()(std::byte* memory) const noexcept;
  };
  void release(std::uint32_t slot) noexcept;
  void fill_free_list();
  [[nodiscard]] std::byte* slot_at(std::uint32_t slot) noexcept { return memory_.data() + std::size_t{slot} * slot_size; }

  std::unique_ptr<std::byte, FreeMemory> owned_;
  MutableBytes memory_;
  std::vector<std::uint32_t> free_;  // never grows past its reserve
  std::vector<std::uint8_t> lent_;   // 1 while a slot is out: a double release is our own mistake
};

}  // namespace sluice
