#include "dataplane/rtp/rtx_sender.hpp"

#include <algorithm>

namespace sluice {
namespace {

// Long enough for a key frame not to look like the rate, short enough to follow a change of layer.
constexpr Duration measuring_window = std::chrono::milliseconds(1000);
constexpr double bucket_seconds = 2;
constexpr std::uint32_t last_ms_mask = (1U << 29U) - 1U;

std::uint32_t milliseconds_of(TimePoint time) noexcept {
  return static_cast<std::uint32_t>(time.time_since_epoch() / std::chrono::milliseconds(1)) & last_ms_mask;
}

}  // namespace

RtxSender::RtxSender(RtxState& state, const RtxConfig& config)
    : state_(&state),
      config_(config),
      entries_(history),
      interval_(config.interval_unknown_rtt),
      tokens_(static_cast<double>(config.burst.bytes)) {
  if (!state.started) {
    state = {};
    state.next = {config.first_sequence.value};
    state.started = true;
  }
}

void RtxSender::on_media_sent(TimePoint now, DataSize size) noexcept {
  if (!measuring_) {
    measuring_ = true;
    window_begin_ = now;
    refilled_ = now;
  }
  window_bytes_ += size.bytes;
  measure(now);
}

void RtxSender::measure(TimePoint now) noexcept {
  if (!measuring_ || now - window_begin_ < measuring_window) return;
  refill(now);  // at the rate of the time that passed
  media_rate_ = rate_of({window_bytes_}, now - window_begin_);
  window_bytes_ = 0;
  window_begin_ = now;
}

Bitrate RtxSender::budget() const noexcept {
  const double share = std::max(config_.rate_share, config_.loss_multiple * fraction_lost_ / 256.0);
  return {static_cast<std::int64_t>(static_cast<double>(media_rate_.bits_per_second) * share)};
}

double RtxSender::bucket_size() const noexcept {
  const double by_rate = static_cast<double>(budget().bits_per_second) / 8 * bucket_seconds;
  return std::max(static_cast<double>(config_.burst.bytes), by_rate);
}

void RtxSender::refill(TimePoint now) noexcept {
  if (now <= refilled_) return;
  const double seconds = std::chrono::duration<double>(now - refilled_).count();
  tokens_ = std::min(bucket_size(), tokens_ + seconds * static_cast<double>(budget().bits_per_second) / 8);
  refilled_ = now;
}

void RtxSender::set_rtt(Duration rtt) noexcept {
  // Three quarters: the receiver's own estimate of the rtt may be a little below ours.
  interval_ = std::max(config_.interval_min, rtt - rtt / 4);
}

void RtxSender::set_fraction_lost(std::uint8_t fraction_lost) noexcept {
  fraction_lost_ = fraction_lost;
}

RtxVerdict RtxSender::admit(TimePoint now, ExtendedSequenceNumber out, DataSize size) noexcept {
  measure(now);
  refill(now);
  const auto out_low = static_cast<std::uint32_t>(out.value);
  Entry& entry = entries_[static_cast<std::size_t>(out.value) % history];
  if (entry.out_low != out_low) {
    // The place belongs to a newer packet: this one is out of the history.
    if (entry.resends > 0 && static_cast<std::int32_t>(entry.out_low - out_low) > 0) return RtxVerdict::resent_enough;
    entry = {};
    entry.out_low = out_low;
  }
  if (entry.resends >= config_.resends_max) return RtxVerdict::resent_enough;
  const std::uint32_t now_ms = milliseconds_of(now);
  if (entry.resends > 0) {
    const std::uint32_t passed = (now_ms - entry.last_ms) & last_ms_mask;
    if (std::chrono::milliseconds(passed) < interval_) return RtxVerdict::too_soon;
  }
  if (tokens_ < static_cast<double>(size.bytes)) return RtxVerdict::over_budget;
  tokens_ -= static_cast<double>(size.bytes);
  entry.resends = (entry.resends + 1U) & 7U;
  entry.last_ms = now_ms & last_ms_mask;
  return RtxVerdict::send;
}

ExtendedSequenceNumber RtxSender::claim_sequence(DataSize payload) noexcept {
  const ExtendedSequenceNumber sequence = state_->next;
  state_->next = sequence.plus(1);
  ++state_->packets;
  state_->bytes += static_cast<std::uint64_t>(payload.bytes);
  return sequence;
}

}  // namespace sluice
