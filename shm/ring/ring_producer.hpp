#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "shm/region/publication_step.hpp"
#include "shm/ring/ring_layout.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {

enum class PushResult : std::uint8_t {
  ok,
  full,       // or the consumer's index is impossible, which is treated the same: nothing is overwritten
  too_large,  // would not fit an empty ring
};

/// The writing end. One object in one process at a time; a successor process makes its own over the same ring and goes on
/// at the last published message. Nothing is reserved in advance: until the one release store of `produced`, nothing has
/// happened.
class RingProducer {
 public:
  /// Borrows the ring. The first should_ring() after this is true, because a predecessor may have died between publishing
  /// and ringing.
  explicit RingProducer(RingView ring) noexcept;

  /// Copies `message` in and publishes it, or changes nothing.
  template <typename Step = NoSteps>
  PushResult try_push(Bytes message, Step step = {}) noexcept;

  /// To be asked after one or more pushes: must the doorbell be rung? True at most once per sleep of the consumer. Costs
  /// one uncontended atomic exchange and no system call while the consumer is awake.
  template <typename Step = NoSteps>
  [[nodiscard]] bool should_ring(Step step = {}) noexcept;

  /// Bytes published and not yet consumed, by our last look; at most the capacity.
  [[nodiscard]] std::size_t backlog_bytes() noexcept;

 private:
  // Copies around the end of the ring.
  void copy_in(std::uint64_t index, Bytes from) noexcept;
  void refresh_consumed() noexcept;

  RingView ring_;
  std::uint64_t produced_;  // ours: the shared word is only ever written
  std::uint64_t consumed_;  // last credible copy of the consumer's index
  bool ring_anyway_ = true;
};

template <typename Step>
PushResult RingProducer::try_push(Bytes message, Step step) noexcept {
  const std::uint64_t capacity = ring_.data.size();
  if (message.size() > capacity) return PushResult::too_large;
  const std::uint64_t footprint = RecordPrefix::footprint(message.size());
  if (footprint > capacity) return PushResult::too_large;
  if (footprint > capacity - (produced_ - consumed_)) {
    refresh_consumed();
    step();
    if (footprint > capacity - (produced_ - consumed_)) return PushResult::full;
  }
  const RecordPrefix prefix{static_cast<std::uint32_t>(message.size()), RecordPrefix::tag_at(produced_)};
  // Places are multiples of 8, so the prefix never wraps.
  std::memcpy(ring_.data.data() + (produced_ & (capacity - 1)), &prefix, sizeof(prefix));
  step();
  copy_in(produced_ + RecordPrefix::size_bytes, message);
  step();
  produced_ += footprint;
  ring_.header->produced.store(produced_, std::memory_order_release);
  step();
  return PushResult::ok;
}

template <typename Step>
bool RingProducer::should_ring(Step step) noexcept {
  // Two read-modify-writes of one word are ordered, whoever comes first: if the consumer's (in prepare_to_sleep) came
  // first, we read its 1; if ours did, its exchange synchronises with ours and its second look sees what we published.
  // A plain load here would let the store of `produced` linger in the store buffer while we read 0: a lost wake.
  const bool asleep = ring_.header->sleeping.exchange(0, std::memory_order_acq_rel) != 0;
  step();
  const bool anyway = ring_anyway_;
  ring_anyway_ = false;
  return asleep || anyway;
}

}  // namespace sluice
