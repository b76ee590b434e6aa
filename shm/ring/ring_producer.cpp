#include "shm/ring/ring_producer.hpp"

#include <algorithm>

namespace sluice {

RingProducer::RingProducer(RingView ring) noexcept
    : ring_(ring),
      produced_(RecordPrefix::place_at(ring.header->produced.load(std::memory_order_acquire))),
      consumed_(produced_ - ring.data.size()) {}  // "full" until the first look

void RingProducer::copy_in(std::uint64_t index, Bytes from) noexcept {
  const auto place = static_cast<std::size_t>(index & (ring_.data.size() - 1));
  const std::size_t first = std::min(from.size(), ring_.data.size() - place);
  if (first != 0) std::memcpy(ring_.data.data() + place, from.data(), first);
  if (first != from.size()) std::memcpy(ring_.data.data(), from.data() + first, from.size() - first);
}

void RingProducer::refresh_consumed() noexcept {
  const std::uint64_t seen = RecordPrefix::place_at(ring_.header->consumed.load(std::memory_order_acquire));
  if (produced_ - seen <= ring_.data.size()) consumed_ = seen;
}

std::size_t RingProducer::backlog_bytes() noexcept {
  refresh_consumed();
  return static_cast<std::size_t>(produced_ - consumed_);
}

}  // namespace sluice
