#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "shm/region/publication_step.hpp"
#include "shm/ring/ring_layout.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/result.hpp"

namespace sluice {

enum class RingError : std::uint8_t {
  corrupt,            // an index, length or tag is impossible; everything published so far was skipped
  message_too_large,  // longer than the scratch buffer; this one message was skipped
};

/// The reading end. One object in one process at a time; a successor goes on after the last consumed message (the one that
/// its predecessor was working on is gone: messages are idempotent or can be asked for again). Trusts nothing that the
/// producer wrote: indices are copied once and range-checked, places are masked, lengths are checked on the copy.
class RingConsumer {
 public:
  /// Borrows the ring; declares the consumer awake. An impossible index left behind shows as `corrupt` at the first pop.
  explicit RingConsumer(RingView ring) noexcept;

  /// Copies the next message to the front of `scratch` and returns its size; nothing when the ring is empty. After an
  /// error the ring is usable again: call once more.
  template <typename Step = NoSteps>
  [[nodiscard]] Result<std::optional<std::size_t>, RingError> try_pop(MutableBytes scratch, Step step = {}) noexcept;

  /// Says that the consumer is about to wait on its doorbell. False: something has been published meanwhile, the flag is
  /// taken back, go on popping. True: wait; the next publication rings.
  template <typename Step = NoSteps>
  [[nodiscard]] bool prepare_to_sleep(Step step = {}) noexcept;
  /// After any wait that was not ended by the doorbell (and harmless otherwise): stops the producer from ringing.
  void wake_up() noexcept;

 private:
  void copy_out(std::uint64_t index, MutableBytes to) const noexcept;
  // Takes a new copy of the producer's index. False when it is impossible.
  bool refresh_produced() noexcept;
  void publish_consumed() noexcept { ring_.header->consumed.store(consumed_, std::memory_order_release); }
  // Skips to what the producer says it has published, whatever that is: our place in the ring is always masked.
  Result<std::optional<std::size_t>, RingError> resynchronise() noexcept;

  RingView ring_;
  std::uint64_t consumed_;  // ours: the shared word is read once, when attaching
  std::uint64_t produced_;  // last credible copy of the producer's index
};

template <typename Step>
Result<std::optional<std::size_t>, RingError> RingConsumer::try_pop(MutableBytes scratch, Step step) noexcept {
  if (produced_ == consumed_) {
    const bool credible = refresh_produced();
    step();
    if (!credible) return resynchronise();
    if (produced_ == consumed_) return std::optional<std::size_t>{};
  }
  RecordPrefix prefix;
  std::memcpy(&prefix, ring_.data.data() + (consumed_ & (ring_.data.size() - 1)), sizeof(prefix));
  step();
  const std::uint64_t footprint = RecordPrefix::footprint(prefix.length);
  if (prefix.tag != RecordPrefix::tag_at(consumed_) || footprint > produced_ - consumed_) return resynchronise();
  const bool fits = prefix.length <= scratch.size();
  if (fits) copy_out(consumed_ + RecordPrefix::size_bytes, scratch.first(prefix.length));
  step();
  consumed_ += footprint;
  publish_consumed();
  step();
  if (!fits) return unexpected(RingError::message_too_large);
  return std::optional<std::size_t>{prefix.length};
}

template <typename Step>
bool RingConsumer::prepare_to_sleep(Step step) noexcept {
  if (produced_ != consumed_) return false;
  (void)ring_.header->sleeping.exchange(1, std::memory_order_acq_rel);  // see RingProducer::should_ring
  step();
  const bool empty = RecordPrefix::place_at(ring_.header->produced.load(std::memory_order_acquire)) == consumed_;
  step();
  if (!empty) wake_up();
  return empty;
}

}  // namespace sluice
