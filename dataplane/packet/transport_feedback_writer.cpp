#include "dataplane/packet/transport_feedback_writer.hpp"

#include <algorithm>
#include <limits>

#include "dataplane/packet/transport_feedback.hpp"

namespace sluice {
namespace {

constexpr std::int64_t ticks_per_reference = TransportFeedback::reference_unit / TransportFeedback::tick;
constexpr std::size_t one_bit_symbols = 14;
constexpr std::size_t two_bit_symbols = 7;
constexpr std::size_t run_length_max = 0x1fff;

/// Rounds towards the past, also before the epoch, so that differences are exact.
std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept {
  return a / b - (a % b < 0 ? 1 : 0);
}

std::int64_t ticks_of(TimePoint time) noexcept {
  return floor_div(time.time_since_epoch().count(), TransportFeedback::tick.count());
}

}  // namespace

void TransportFeedbackWriter::begin(SequenceNumber base, TimePoint first_arrival, std::uint8_t feedback_count) noexcept {
  base_ = base;
  reference_64ms_ = floor_div(ticks_of(first_arrival), ticks_per_reference);
  last_ticks_ = reference_64ms_ * ticks_per_reference;
  count_ = 0;
  feedback_count_ = feedback_count;
}

bool TransportFeedbackWriter::add(SequenceNumber number, TimePoint arrival) noexcept {
  const auto index = static_cast<std::uint16_t>(number.value - base_.value);
  if (index < count_ || index >= statuses_max) return false;
  const std::int64_t ticks = ticks_of(arrival);
  const std::int64_t delta = ticks - last_ticks_;
  if (delta < std::numeric_limits<std::int16_t>::min() || delta > std::numeric_limits<std::int16_t>::max()) return false;
  std::fill(symbols_.begin() + count_, symbols_.begin() + index, Symbol::missing);
  symbols_[index] = delta >= 0 && delta <= 255 ? Symbol::small_delta : Symbol::large_delta;
  deltas_[index] = static_cast<std::int16_t>(delta);
  last_ticks_ = ticks;
  count_ = static_cast<std::uint16_t>(index + 1);
  return true;
}

std::size_t TransportFeedbackWriter::write_chunk(ByteWriter& out, std::size_t from) const noexcept {
  const std::size_t left = count_ - from;
  std::size_t run = 1;
  while (run < left && run < run_length_max && symbols_[from + run] == symbols_[from]) ++run;
  // How many symbols go before the first large delta: those one bit each can tell.
  std::size_t small = 0;
  while (small < left && small < one_bit_symbols && symbols_[from + small] != Symbol::large_delta) ++small;
  // The chunk that tells of the most packets; the last vector may be filled with symbols nobody reads.
  const bool one_bit = small == std::min(left, one_bit_symbols);
  const std::size_t vector = one_bit ? small : std::min(left, two_bit_symbols);
  if (run >= vector) {
    out.u16(static_cast<std::uint16_t>(static_cast<unsigned>(symbols_[from]) << 13U | static_cast<unsigned>(run)));
    return run;
  }
  const unsigned bits = one_bit ? 1 : 2;
  unsigned chunk = one_bit ? 0x8000U : 0xc000U;
  for (std::size_t i = 0; i < vector; ++i)
    chunk |= static_cast<unsigned>(symbols_[from + i]) << (14U - bits * (static_cast<unsigned>(i) + 1));
  out.u16(static_cast<std::uint16_t>(chunk));
  return vector;
}

void TransportFeedbackWriter::write_body(ByteWriter& out) const noexcept {
  out.u16(base_.value);
  out.u16(count_);
  out.u24(static_cast<std::uint32_t>(static_cast<std::uint64_t>(reference_64ms_) & 0xffffffU));
  out.u8(feedback_count_);
  for (std::size_t at = 0; at < count_;) at += write_chunk(out, at);
  for (std::size_t i = 0; i < count_; ++i) {
    if (symbols_[i] == Symbol::small_delta) out.u8(static_cast<std::uint8_t>(deltas_[i]));
    if (symbols_[i] == Symbol::large_delta) out.u16(static_cast<std::uint16_t>(deltas_[i]));
  }
}

}  // namespace sluice
