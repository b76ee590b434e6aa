#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/types/bytes.hpp"

namespace sluice {

class PacketPool;

/// The only owner of one slot of a PacketPool; moves, never copies, and gives the slot back when destroyed. The data
/// begins at the start of the slot (no headroom). Default-constructed or moved-from it is empty: false, size 0.
class PacketBuffer {
 public:
  PacketBuffer() = default;
  PacketBuffer(PacketBuffer&& other) noexcept;
  PacketBuffer& operator=(PacketBuffer&& other) noexcept;
  PacketBuffer(const PacketBuffer&) = delete;
  PacketBuffer& operator=(const PacketBuffer&) = delete;
  ~PacketBuffer() { reset(); }

  /// Whether it owns a slot.
  [[nodiscard]] explicit operator bool() const noexcept { return pool_ != nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept;
  /// Sets the size of the datagram; `size` <= capacity(), or the process stops. Bytes are not touched.
  void resize(std::size_t size) noexcept;
  /// The datagram; valid until the buffer is moved from, reset or destroyed.
  [[nodiscard]] MutableBytes bytes() noexcept { return {data_, size_}; }
  [[nodiscard]] Bytes bytes() const noexcept { return {data_, size_}; }
  /// The whole slot, to be filled before resize().
  [[nodiscard]] MutableBytes room() noexcept { return {data_, capacity()}; }
  /// Copies `source` into the slot and takes its size. False, and nothing changed, when it does not fit.
  [[nodiscard]] bool assign(Bytes source) noexcept;

  /// Which slot of the pool this is.
  [[nodiscard]] std::uint32_t slot() const noexcept { return slot_; }
  /// Gives up ownership without returning the slot to the pool; PacketPool::attach takes it back.
  [[nodiscard]] std::uint32_t detach() noexcept;
  /// Returns the slot now.
  void reset() noexcept;

 private:
  friend class PacketPool;
  PacketBuffer(PacketPool& pool, std::uint32_t slot, std::byte* data, std::size_t size) noexcept
      : pool_(&pool), data_(data), slot_(slot), size_(static_cast<std::uint32_t>(size)) {}

  PacketPool* pool_ = nullptr;
  std::byte* data_ = nullptr;
  std::uint32_t slot_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace sluice
