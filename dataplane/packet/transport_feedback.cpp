#include "dataplane/packet/transport_feedback.hpp"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::uint8_t small_delta = 1;
constexpr std::uint8_t large_delta = 2;
constexpr std::uint8_t reserved = 3;
constexpr std::uint16_t vector_bit = 0x8000;       // 0: run length chunk
constexpr std::uint16_t two_bit_symbols = 0x4000;  // of a vector chunk

}  // namespace

TransportFeedback::Walk::Walk(const TransportFeedback& feedback) noexcept
    : chunks_(feedback.chunks_),
      deltas_(feedback.deltas_),
      sequence_number_(feedback.base_sequence_number.value),
      left_(feedback.status_count) {}

bool TransportFeedback::Walk::next_chunk() noexcept {
  const std::uint16_t chunk = chunks_.u16();
  if (!chunks_.ok()) return false;
  if ((chunk & vector_bit) == 0) {
    // | 0 | symbol (2) | run length (13) |
    symbol_bits_ = 0;
    run_symbol_ = static_cast<std::uint8_t>(chunk >> 13U & 0x3U);
    in_chunk_ = chunk & 0x1fffU;
  } else {
    // | 1 | 0 | 14 symbols of one bit |  or  | 1 | 1 | 7 symbols of two bits |
    symbol_bits_ = (chunk & two_bit_symbols) == 0 ? 1 : 2;
    in_chunk_ = symbol_bits_ == 1 ? 14 : 7;
    chunk_ = static_cast<std::uint16_t>(chunk << 2U);
  }
  return true;
}

bool TransportFeedback::Walk::next(PacketStatus& status) noexcept {
  if (left_ == 0 || !ok_) return false;
  while (in_chunk_ == 0) {  // an empty run is legal; each turn consumes two bytes
    if (!next_chunk()) {
      ok_ = false;
      return false;
    }
  }
  std::uint8_t symbol = run_symbol_;
  if (symbol_bits_ != 0) {
    symbol = static_cast<std::uint8_t>(chunk_ >> (16U - symbol_bits_));
    chunk_ = static_cast<std::uint16_t>(chunk_ << symbol_bits_);
  }
  --in_chunk_;
  --left_;
  status = {.sequence_number = {sequence_number_++}, .received = symbol != 0, .delta_ticks = 0};
  if (symbol == small_delta) status.delta_ticks = deltas_.u8();
  if (symbol == large_delta) status.delta_ticks = static_cast<std::int16_t>(deltas_.u16());
  if (symbol == reserved || !deltas_.ok()) ok_ = false;
  return ok_;
}

void TransportFeedback::Walk::skip_all() noexcept {
  PacketStatus status;
  while (left_ > 0 && ok_) {
    if (in_chunk_ == 0 || symbol_bits_ != 0) {
      (void)next(status);
      continue;
    }
    const std::uint16_t run = std::min(left_, in_chunk_);
    if (run_symbol_ == small_delta) deltas_.skip(run);
    if (run_symbol_ == large_delta) deltas_.skip(std::size_t{2} * run);
    if (run_symbol_ == reserved || !deltas_.ok()) ok_ = false;
    in_chunk_ = static_cast<std::uint16_t>(in_chunk_ - run);
    left_ = static_cast<std::uint16_t>(left_ - run);
    sequence_number_ = static_cast<std::uint16_t>(sequence_number_ + run);
  }
}

std::optional<std::size_t> TransportFeedback::chunks_size(Bytes chunks, std::uint16_t count) noexcept {
  ByteReader reader(chunks);
  for (std::size_t told = 0; told < count;) {
    const std::uint16_t chunk = reader.u16();
    if (!reader.ok()) return std::nullopt;
    if ((chunk & vector_bit) == 0) {
      told += chunk & 0x1fffU;
    } else {
      told += (chunk & two_bit_symbols) == 0 ? 14 : 7;
    }
  }
  return reader.position();
}

std::optional<TransportFeedback> TransportFeedback::parse(Ssrc sender, Ssrc media, Bytes body) noexcept {
  TransportFeedback feedback;
  feedback.sender = sender;
  feedback.media = media;
  ByteReader reader(body);
  feedback.base_sequence_number = {reader.u16()};
  feedback.status_count = reader.u16();
  // Sign-extends 24 bits.
  feedback.reference_time_64ms = static_cast<std::int32_t>(reader.u24() << 8U) >> 8;
  feedback.feedback_count = reader.u8();
  if (!reader.ok()) return std::nullopt;
  const Bytes rest = reader.rest();
  const std::optional<std::size_t> size = chunks_size(rest, feedback.status_count);
  if (!size) return std::nullopt;
  feedback.chunks_ = rest.first(*size);
  feedback.deltas_ = rest.subspan(*size);  // filling may follow the deltas: older senders pad without saying so

  Walk walk(feedback);
  walk.skip_all();
  if (!walk.ok()) return std::nullopt;
  return feedback;
}

}  // namespace sluice
