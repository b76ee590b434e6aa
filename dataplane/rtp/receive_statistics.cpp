#include "dataplane/rtp/receive_statistics.hpp"

#include <algorithm>
#include <cmath>

#include "dataplane/rtp/ntp_time.hpp"

namespace sluice {
namespace {

constexpr std::int64_t cycle = 1 << 16;
// MAX_DROPOUT of RFC 3550 appendix A.1: a gap of a minute at 50 packets/s. Beyond it loss figures would mean nothing.
constexpr std::int64_t dropout_max = 3000;
constexpr std::int64_t window = ReceiveStatisticsState::window;

constexpr std::size_t word_of(ExtendedSequenceNumber sequence) noexcept {
  return static_cast<std::size_t>(sequence.value % window) / 64;
}
constexpr std::uint64_t bit_of(ExtendedSequenceNumber sequence) noexcept {
  return std::uint64_t{1} << (static_cast<std::uint64_t>(sequence.value) % 64U);
}

}  // namespace

ExtendedSequenceNumber ReceiveStatistics::extended(SequenceNumber wire) const noexcept {
  return extend(wire, state_->highest);
}

bool ReceiveStatistics::mark(ExtendedSequenceNumber sequence) noexcept {
  ReceiveStatisticsState& s = *state_;
  if (sequence > s.highest) {
    if (sequence - s.highest >= window) {
      s.seen.fill(0);
    } else {
      for (ExtendedSequenceNumber i = s.highest.plus(1); i < sequence; i = i.plus(1)) s.seen[word_of(i)] &= ~bit_of(i);
      s.seen[word_of(sequence)] &= ~bit_of(sequence);
    }
    s.highest = sequence;
  }
  s.base = std::min(s.base, sequence);
  std::uint64_t& word = s.seen[word_of(sequence)];
  const bool first = (word & bit_of(sequence)) == 0;
  word |= bit_of(sequence);
  return first;
}

void ReceiveStatistics::restart_at(ExtendedSequenceNumber sequence) noexcept {
  ReceiveStatisticsState& s = *state_;
  if (s.started) {
    s.lost_before += expected() - s.received;
    ++s.resyncs;
  }
  s.base = sequence;
  s.highest = sequence;
  s.received = 0;
  s.expected_prior = 0;
  s.received_prior = 0;
  s.seen.fill(0);
  s.started = true;
  s.has_suspect = false;
}

Arrival ReceiveStatistics::on_packet(TimePoint now, SequenceNumber wire, std::uint32_t rtp_timestamp,
                                     std::size_t size) noexcept {
  ReceiveStatisticsState& s = *state_;
  ArrivalKind kind = ArrivalKind::fresh;
  ExtendedSequenceNumber sequence;
  if (!s.started) {
    sequence = {wire.value + cycle};
    restart_at(sequence);
  } else {
    sequence = extended(wire);
    const std::int64_t ahead = sequence - s.highest;
    if (ahead > dropout_max) {
      kind = ArrivalKind::resynced;
    } else if (ahead <= -window) {
      // A straggler, or a sender that began anew: two in a row decide (RFC 3550 appendix A.1).
      if (!s.has_suspect || s.suspect != wire.value) {
        s.suspect = static_cast<std::uint16_t>(wire.value + 1);
        s.has_suspect = true;
        return {sequence, ArrivalKind::too_old};
      }
      sequence = sequence.plus(cycle);  // numbers inside only go up
      kind = ArrivalKind::resynced;
    }
    if (kind == ArrivalKind::resynced) {
      restart_at(sequence);
    } else {
      update_jitter(now, rtp_timestamp);
    }
  }
  s.has_suspect = false;
  s.last_arrival = now;
  s.last_timestamp = rtp_timestamp;
  ++s.received;
  ++s.packets;
  s.bytes += size;
  if (!mark(sequence)) {
    ++s.duplicates;
    kind = ArrivalKind::duplicate;
  }
  return {sequence, kind};
}

Arrival ReceiveStatistics::on_repair(SequenceNumber wire) noexcept {
  ReceiveStatisticsState& s = *state_;
  if (!s.started) return {};
  const ExtendedSequenceNumber sequence = extended(wire);
  const std::int64_t ahead = sequence - s.highest;
  if (ahead <= -window || ahead > dropout_max) return {sequence, ArrivalKind::too_old};
  if (!mark(sequence)) return {sequence, ArrivalKind::duplicate};
  ++s.repaired;
  return {sequence, ArrivalKind::fresh};
}

void ReceiveStatistics::update_jitter(TimePoint now, std::uint32_t rtp_timestamp) noexcept {
  ReceiveStatisticsState& s = *state_;
  const double arrival_ticks = static_cast<double>((now - s.last_arrival).count()) * clock_rate_ / 1e9;
  const auto sent_ticks = static_cast<double>(static_cast<std::int32_t>(rtp_timestamp - s.last_timestamp));
  const double deviation = std::abs(arrival_ticks - sent_ticks);
  // A second and more is a jump of the sender's timestamps, not the network.
  if (deviation < static_cast<double>(clock_rate_)) s.jitter += (deviation - s.jitter) / 16.0;
}

void ReceiveStatistics::on_sender_report(TimePoint now, std::uint64_t ntp) noexcept {
  state_->sender_report_arrival = now;
  state_->sender_report_ntp = ntp;
  state_->has_sender_report = true;
}

std::int64_t ReceiveStatistics::cumulative_lost() const noexcept {
  return state_->started ? state_->lost_before + expected() - state_->received : 0;
}

ReportBlock ReceiveStatistics::report(TimePoint now, Ssrc ssrc) noexcept {
  ReceiveStatisticsState& s = *state_;
  ReportBlock block;
  block.ssrc = ssrc;
  if (!s.started) return block;
  const std::int64_t expected_now = expected();
  const std::int64_t expected_interval = expected_now - s.expected_prior;
  const std::int64_t lost_interval = expected_interval - (s.received - s.received_prior);
  s.expected_prior = expected_now;
  s.received_prior = s.received;
  if (expected_interval > 0 && lost_interval > 0) {
    block.fraction_lost = static_cast<std::uint8_t>(std::min<std::int64_t>(255, lost_interval * 256 / expected_interval));
  }
  block.cumulative_lost = static_cast<std::int32_t>(std::clamp<std::int64_t>(cumulative_lost(), -0x80'0000, 0x7f'ffff));
  block.highest_sequence = static_cast<std::uint32_t>(s.highest.value - cycle);
  block.jitter = static_cast<std::uint32_t>(s.jitter);
  if (s.has_sender_report) {
    block.last_sr = NtpTime{s.sender_report_ntp}.compact();
    block.delay_since_last_sr = to_compact(now - s.sender_report_arrival);
  }
  return block;
}

}  // namespace sluice
