#include "shm/ring/ring_consumer.hpp"

#include <algorithm>

namespace sluice {

RingConsumer::RingConsumer(RingView ring) noexcept
    : ring_(ring),
      consumed_(RecordPrefix::place_at(ring.header->consumed.load(std::memory_order_acquire))),
      produced_(consumed_) {
  wake_up();
}

void RingConsumer::wake_up() noexcept {
  (void)ring_.header->sleeping.exchange(0, std::memory_order_acq_rel);
}

bool RingConsumer::refresh_produced() noexcept {
  const std::uint64_t seen = RecordPrefix::place_at(ring_.header->produced.load(std::memory_order_acquire));
  if (seen - consumed_ > ring_.data.size()) return false;
  produced_ = seen;
  return true;
}

Result<std::optional<std::size_t>, RingError> RingConsumer::resynchronise() noexcept {
  consumed_ = RecordPrefix::place_at(ring_.header->produced.load(std::memory_order_acquire));
  produced_ = consumed_;
  publish_consumed();
  return unexpected(RingError::corrupt);
}

void RingConsumer::copy_out(std::uint64_t index, MutableBytes to) const noexcept {
  const auto place = static_cast<std::size_t>(index & (ring_.data.size() - 1));
  const std::size_t first = std::min(to.size(), ring_.data.size() - place);
  if (first != 0) std::memcpy(to.data(), ring_.data.data() + place, first);
  if (first != to.size()) std::memcpy(to.data() + first, ring_.data.data(), to.size() - first);
}

}  // namespace sluice
