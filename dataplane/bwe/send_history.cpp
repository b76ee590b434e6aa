#include "dataplane/bwe/send_history.hpp"

#include <algorithm>
#include <bit>

#include "dataplane/memory/prefetch.hpp"
#include "dataplane/memory/require.hpp"

namespace sluice {

SendHistory::SendHistory(SendHistoryState& state, std::size_t entries) : state_(&state), entries_(entries) {
  require(std::has_single_bit(entries) && entries <= std::size_t{1} << 15U);
}

SendHistory::Entry& SendHistory::entry_at(ExtendedSequenceNumber sequence) noexcept {
  return entries_[static_cast<std::size_t>(sequence.value) & (entries_.size() - 1)];
}

void SendHistory::prefetch_next() const noexcept {
  prefetch(&entries_[static_cast<std::size_t>(state_->next.value) & (entries_.size() - 1)], sizeof(Entry));
}

ExtendedSequenceNumber SendHistory::claim() noexcept {
  const ExtendedSequenceNumber sequence = state_->next;
  state_->next = sequence.plus(1);
  return sequence;
}

void SendHistory::on_sent(TimePoint now, ExtendedSequenceNumber sequence, DataSize size, SendClass send_class) noexcept {
  Entry& entry = entry_at(sequence);
  if (entry.fate == Fate::in_flight) in_flight_.bytes -= entry.size;
  entry.sequence = sequence;
  entry.sent = now;
  entry.size = static_cast<std::uint16_t>(std::clamp<std::int64_t>(size.bytes, 0, 0xffff));
  entry.send_class = send_class;
  entry.fate = Fate::in_flight;
  in_flight_.bytes += entry.size;
}

SendHistory::Bucket& SendHistory::bucket_at(TimePoint now) noexcept {
  const std::int64_t index = now.time_since_epoch() / bucket_length;
  Bucket& bucket = buckets_[static_cast<std::size_t>(index) % bucket_count];
  if (bucket.index != index) bucket = {index, 0, 0, 0};
  return bucket;
}

bool SendHistory::judge(Entry& entry, Bucket& bucket, bool arrived) noexcept {
  if (arrived) {
    if (entry.fate == Fate::arrived) return false;
    if (entry.fate == Fate::lost && bucket.lost > 0) --bucket.lost;
    if (entry.fate == Fate::in_flight) in_flight_.bytes -= entry.size;
    entry.fate = Fate::arrived;
    bucket.bytes += entry.size;
    ++bucket.arrived;
    return true;
  }
  if (entry.fate != Fate::in_flight) return false;
  in_flight_.bytes -= entry.size;
  entry.fate = Fate::lost;
  ++bucket.lost;
  return true;
}

std::size_t SendHistory::on_feedback(TimePoint now, const TransportFeedback& feedback,
                                     std::span<PacketResult> out) noexcept {
  const ExtendedSequenceNumber next = state_->next;
  const ExtendedSequenceNumber base = extend(feedback.base_sequence_number, next.plus(-1));
  // Beginning before the history or beyond what was sent, the message tells of nothing that we know; so the walk is bounded.
  if (base.value < 0 || base >= next || next - base > static_cast<std::int64_t>(entries_.size())) {
    ignored_total_ += feedback.status_count;
    return 0;
  }
  // The reference time has 24 bits: unwrap it next to the last one.
  const std::int64_t space = 1 << 24;
  std::int64_t step = (feedback.reference_time_64ms - reference_64ms_) & (space - 1);
  if (step >= space / 2) step -= space;
  reference_64ms_ += step;
  Duration received_at = reference_64ms_ * TransportFeedback::reference_unit;

  Bucket& bucket = bucket_at(now);
  std::size_t count = 0;
  ExtendedSequenceNumber sequence = base;
  feedback.for_each([&](const PacketStatus& status) {
    if (sequence >= next) {
      ignored_total_ += static_cast<std::uint64_t>(feedback.status_count - (next - base));
      return false;
    }
    if (status.received) received_at += status.delta_ticks * TransportFeedback::tick;
    Entry& entry = entry_at(sequence);
    if (entry.fate == Fate::none || entry.sequence != sequence) {
      ++ignored_total_;  // claimed, but never sent
    } else if (judge(entry, bucket, status.received) && count < out.size()) {
      out[count++] = {sequence,     entry.sent,       status.received ? TimePoint(received_at) : TimePoint{},
                      {entry.size}, entry.send_class, status.received};
    }
    sequence = sequence.plus(1);
    return true;
  });
  return count;
}

DeliveryRates SendHistory::rates(TimePoint now) const noexcept {
  const std::int64_t last = now.time_since_epoch() / bucket_length;
  const std::int64_t first = last - static_cast<std::int64_t>(bucket_count) + 1;
  std::int64_t oldest = last;
  std::int64_t bytes = 0;
  std::uint32_t arrived = 0;
  std::uint32_t lost = 0;
  for (const Bucket& bucket : buckets_) {
    if (bucket.index < first || bucket.index > last) continue;
    oldest = std::min(oldest, bucket.index);
    bytes += bucket.bytes;
    arrived += bucket.arrived;
    lost += bucket.lost;
  }
  DeliveryRates rates;
  rates.packets = arrived + lost;
  if (rates.packets == 0) return rates;
  rates.acknowledged = rate_of({bytes}, (last - oldest + 1) * bucket_length);
  rates.loss = static_cast<double>(lost) / rates.packets;
  return rates;
}

}  // namespace sluice
