#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "shm/region/layout_hash.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {

/// The indices of a ring: bytes ever produced and consumed, so `produced - consumed` bytes lie in it and an index modulo
/// the capacity is a place. All-zero is an empty ring with a consumer that is awake.
struct RingHeader {
  alignas(shared_line_bytes) std::atomic<std::uint64_t> produced;  // written by the producer only
  alignas(shared_line_bytes) std::atomic<std::uint64_t> consumed;  // written by the consumer only
  // Written by the consumer when it goes to sleep and by the producer when it rings. While the consumer is awake nobody
  // but the producer touches this line, so looking at it costs no transfer between cores.
  alignas(shared_line_bytes) std::atomic<std::uint32_t> sleeping;
};
static_assert(SharedLayout<RingHeader> && std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(sizeof(RingHeader) == 384 && alignof(RingHeader) == 128);
SLUICE_FIELD(RingHeader, produced, 0, 8);
SLUICE_FIELD(RingHeader, consumed, 128, 8);
SLUICE_FIELD(RingHeader, sleeping, 256, 4);

/// A ring in a segment. Messages are records: 4 bytes length, 4 bytes tag, the message, zeros up to a multiple of 8.
template <std::size_t CapacityBytes>
struct RingLayout {
  static_assert(std::has_single_bit(CapacityBytes) && CapacityBytes >= 64);
  static constexpr std::size_t capacity_bytes = CapacityBytes;
  RingHeader header;
  alignas(shared_line_bytes) std::array<std::byte, CapacityBytes> data;
};
static_assert(offsetof(RingLayout<1024>, header) == 0 && offsetof(RingLayout<1024>, data) == 384);

/// A ring by reference: what producers and consumers are made of. Borrows the segment.
struct RingView {
  RingHeader* header;
  MutableBytes data;  // its size is a power of two, at least 64
  template <std::size_t N>
  RingView(RingLayout<N>& layout) noexcept : header(&layout.header), data(layout.data) {}
  RingView(RingHeader& ring_header, MutableBytes ring_data) noexcept : header(&ring_header), data(ring_data) {}
};

/// The eight bytes before each message.
struct RecordPrefix {
  static constexpr std::size_t size_bytes = 8;
  std::uint32_t length = 0;
  std::uint32_t tag = 0;
  /// Ties a record to its place, so that a consumer that lost step notices instead of reading lengths out of messages.
  [[nodiscard]] static constexpr std::uint32_t tag_at(std::uint64_t index) noexcept {
    return static_cast<std::uint32_t>(index >> 3U) ^ 0x52494e47U;
  }
  /// Records begin at multiples of 8; an index that is none was scribbled, and is taken as the one before.
  [[nodiscard]] static constexpr std::uint64_t place_at(std::uint64_t index) noexcept { return index & ~std::uint64_t{7}; }
  /// Bytes that a message takes in the ring.
  [[nodiscard]] static constexpr std::uint64_t footprint(std::uint64_t length) noexcept {
    return size_bytes + (length + 7) / 8 * 8;
  }
};

}  // namespace sluice
