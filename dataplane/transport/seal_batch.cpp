#include "dataplane/transport/seal_batch.hpp"

#include <span>
#include <utility>

namespace sluice {

SealBatch::Slot* SealBatch::begin(const Tuple& to) noexcept {
  if (count_ == packets_max) flush();
  Slot& slot = slots_[count_];
  if (!slot.buffer) slot.buffer = sink_.acquire();
  if (!slot.buffer) {
    counters_.add(Counter::drop_pool_exhausted);
    return nullptr;
  }
  slot.to = to;
  return &slot;
}

void SealBatch::commit(SealTicket ticket, std::size_t header_size, std::size_t prefix_size, Bytes payload) noexcept {
  Slot& slot = slots_[count_];
  SealJob& job = jobs_[count_];
  job.ticket = std::move(ticket);
  job.header = Bytes(slot.header).first(header_size);
  job.prefix = Bytes(slot.prefix).first(prefix_size);
  job.payload = payload;
  job.padding = 0;
  job.out = slot.buffer.room();
  ++count_;
}

void SealBatch::flush() noexcept {
  if (count_ == 0) return;
  const std::size_t count = std::exchange(count_, 0);
  backend_.seal(std::span(jobs_).first(count));
  for (std::size_t i = 0; i < count; ++i) {
    Slot& slot = slots_[i];
    const auto& size = jobs_[i].result;
    if (!size) {
      counters_.add(Counter::drop_seal_failed);
      continue;  // the buffer stays for the next packet
    }
    slot.buffer.resize(*size);
    sink_.send(slot.to, std::move(slot.buffer));
  }
}

}  // namespace sluice
