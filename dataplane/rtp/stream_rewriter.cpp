#include "dataplane/rtp/stream_rewriter.hpp"

#include <algorithm>

#include "dataplane/memory/prefetch.hpp"

namespace sluice {
namespace {

// Two frames must differ in time even if they show the same instant (two layers of one capture).
constexpr Duration step_min = std::chrono::milliseconds(1);
// Capture times that differ more than this from arrival times come from a clock that was set, not from the network.
constexpr Duration capture_tolerance = std::chrono::milliseconds(500);

constexpr std::uint32_t low(ExtendedSequenceNumber sequence) noexcept {
  return static_cast<std::uint32_t>(sequence.value);
}

constexpr std::uint32_t to_ticks(Duration elapsed, std::uint32_t clock_rate) noexcept {
  const auto ns = static_cast<std::uint64_t>(elapsed.count());
  return static_cast<std::uint32_t>(ns / 1'000'000'000U * clock_rate + ns % 1'000'000'000U * clock_rate / 1'000'000'000U);
}

}  // namespace

StreamRewriter::StreamRewriter(RewriterState& state, const RewriterConfig& config)
    : state_(&state), config_(config), entries_(history) {
  if (!state.started) {
    state = {};
    state.next_out = {config.first_sequence.value};
    state.started = true;
  }
  remembered_from_ = state.next_out;
}

const RewriterEpoch& StreamRewriter::present() const noexcept {
  return state_->epochs[(state_->epoch - 1) % RewriterState::epochs_kept];
}

const RewriterEpoch* StreamRewriter::epoch_of(const Entry& entry) const noexcept {
  const auto age = static_cast<std::uint8_t>(static_cast<std::uint8_t>(state_->epoch) - entry.epoch);
  if (age >= RewriterState::epochs_kept || age >= state_->epoch) return nullptr;
  return &state_->epochs[(state_->epoch - 1 - age) % RewriterState::epochs_kept];
}

StreamRewriter::Entry& StreamRewriter::entry_at(ExtendedSequenceNumber out) noexcept {
  return entries_[static_cast<std::size_t>(out.value) % history];
}
const StreamRewriter::Entry& StreamRewriter::entry_at(ExtendedSequenceNumber out) const noexcept {
  return entries_[static_cast<std::size_t>(out.value) % history];
}

ExtendedSequenceNumber StreamRewriter::oldest() const noexcept {
  return std::max(remembered_from_, state_->next_out.plus(-static_cast<std::int64_t>(history)));
}

void StreamRewriter::prefetch_next() const noexcept {
  prefetch(&entry_at(state_->next_out), sizeof(Entry));
  prefetch(&present(), sizeof(RewriterEpoch));
}

MediaSource StreamRewriter::source() const noexcept {
  return state_->epoch == 0 ? MediaSource{} : present().source;
}

std::uint32_t StreamRewriter::timestamp_offset() const noexcept {
  return state_->epoch == 0 ? 0 : present().timestamp_offset;
}

void StreamRewriter::begin_source(TimePoint now, const MediaSource& source, ExtendedSequenceNumber first_source,
                                  std::uint32_t rtp_timestamp, std::optional<Duration> elapsed_by_capture) noexcept {
  RewriterState& s = *state_;
  std::uint32_t timestamp = config_.first_timestamp;
  if (s.forwarded) {
    Duration elapsed = now - s.timestamp_arrival;
    if (elapsed_by_capture && std::chrono::abs(*elapsed_by_capture - elapsed) <= capture_tolerance)
      elapsed = *elapsed_by_capture;
    timestamp = s.timestamp_highest + to_ticks(std::max(elapsed, step_min), config_.clock_rate);
  }
  RewriterEpoch& epoch = s.epochs[s.epoch % RewriterState::epochs_kept];
  epoch = {source, s.next_out, first_source, timestamp - rtp_timestamp, 0};
  s.source_highest = first_source.plus(-1);
  s.skipped_last = false;
  ++s.epoch;
}

ExtendedSequenceNumber StreamRewriter::append(ExtendedSequenceNumber source_sequence, Status status,
                                              std::uint32_t codec_tag) noexcept {
  const ExtendedSequenceNumber out = state_->next_out;
  entry_at(out) = {low(source_sequence), codec_tag, static_cast<std::uint8_t>(state_->epoch), status};
  state_->next_out = out.plus(1);
  return out;
}

void StreamRewriter::reserve_gap(ExtendedSequenceNumber sequence) noexcept {
  const std::int64_t gap = sequence - state_->source_highest - 1;
  if (gap > static_cast<std::int64_t>(history)) {
    // Beyond repair. One number stays open, so that the receiver sees that something is missing.
    append(sequence.plus(-1), Status::reserved, 0);
    return;
  }
  for (std::int64_t i = gap; i > 0; --i) append(sequence.plus(-i), Status::reserved, 0);
}

std::optional<RewrittenHeader> StreamRewriter::forward(TimePoint now, const MediaSource& source,
                                                       ExtendedSequenceNumber sequence, std::uint32_t rtp_timestamp,
                                                       std::uint32_t codec_tag) noexcept {
  RewriterState& s = *state_;
  if (s.epoch == 0) return std::nullopt;
  const RewriterEpoch& epoch = present();
  if (!(source == epoch.source) || sequence <= s.source_highest) {
    return fill(source, sequence, rtp_timestamp, Status::sent, codec_tag);
  }
  reserve_gap(sequence);
  s.source_highest = sequence;
  s.skipped_last = false;
  const std::uint32_t timestamp = rtp_timestamp + epoch.timestamp_offset;
  if (!s.forwarded || static_cast<std::int32_t>(timestamp - s.timestamp_highest) > 0) {
    s.timestamp_highest = timestamp;
    s.source_timestamp = rtp_timestamp;
    s.timestamp_arrival = now;
    s.forwarded = true;
  }
  return RewrittenHeader{append(sequence, Status::sent, codec_tag), timestamp};
}

std::optional<RewrittenHeader> StreamRewriter::skip(const MediaSource& source, ExtendedSequenceNumber sequence,
                                                    std::uint32_t rtp_timestamp) noexcept {
  RewriterState& s = *state_;
  if (s.epoch == 0) return std::nullopt;
  if (!(source == present().source) || sequence <= s.source_highest) {
    return fill(source, sequence, rtp_timestamp, Status::closed, 0);
  }
  // What is missing between two packets of one frame that is left out is left out as well.
  if (!s.skipped_last || s.skipped_timestamp != rtp_timestamp) reserve_gap(sequence);
  s.source_highest = sequence;
  s.skipped_last = true;
  s.skipped_timestamp = rtp_timestamp;
  return std::nullopt;
}

std::optional<RewrittenHeader> StreamRewriter::fill(const MediaSource& source, ExtendedSequenceNumber sequence,
                                                    std::uint32_t rtp_timestamp, Status status,
                                                    std::uint32_t codec_tag) noexcept {
  const RewriterState& s = *state_;
  ExtendedSequenceNumber end = s.next_out;
  for (std::uint32_t age = 0; age < std::min<std::uint32_t>(s.epoch, RewriterState::epochs_kept); ++age) {
    const RewriterEpoch& epoch = s.epochs[(s.epoch - 1 - age) % RewriterState::epochs_kept];
    if (epoch.source == source && sequence >= epoch.first_source) {
      const auto out = find_in(epoch, end, sequence);
      if (!out || entry_at(*out).status != Status::reserved) return std::nullopt;
      entry_at(*out).status = status;
      entry_at(*out).codec_tag = codec_tag;
      return RewrittenHeader{*out, rtp_timestamp + epoch.timestamp_offset};
    }
    end = epoch.first_out;
    if (end <= oldest()) break;
  }
  return std::nullopt;
}

std::optional<ExtendedSequenceNumber> StreamRewriter::find_in(const RewriterEpoch& epoch, ExtendedSequenceNumber end,
                                                              ExtendedSequenceNumber sequence) const noexcept {
  // Source numbers rise with outgoing ones within an epoch.
  ExtendedSequenceNumber first = std::max(epoch.first_out, oldest());
  ExtendedSequenceNumber last = end;
  while (first < last) {
    const ExtendedSequenceNumber middle = first.plus((last - first) / 2);
    if (static_cast<std::int32_t>(entry_at(middle).source_low - low(sequence)) < 0) {
      first = middle.plus(1);
    } else {
      last = middle;
    }
  }
  if (first >= end || entry_at(first).source_low != low(sequence)) return std::nullopt;
  return first;
}

std::optional<SentPacket> StreamRewriter::lookup(SequenceNumber wire) const noexcept {
  const ExtendedSequenceNumber out = extend(wire, state_->next_out);
  if (out >= state_->next_out || out < oldest()) return std::nullopt;
  const Entry& entry = entry_at(out);
  const RewriterEpoch* epoch = epoch_of(entry);
  if (epoch == nullptr || (entry.status != Status::reserved && entry.status != Status::sent)) return std::nullopt;
  const auto ahead = static_cast<std::int32_t>(entry.source_low - low(epoch->first_source));
  return SentPacket{out,
                    epoch->source,
                    epoch->first_source.plus(ahead),
                    epoch->timestamp_offset,
                    entry.codec_tag,
                    entry.status == Status::sent};
}

}  // namespace sluice
