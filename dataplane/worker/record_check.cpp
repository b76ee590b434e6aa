#include "dataplane/worker/record_check.hpp"

namespace sluice {
namespace {

/// A bool that another process wrote may be any byte; reading such a bool is undefined, so its byte is looked at.
bool is_bool(const bool& flag) noexcept {
  return *reinterpret_cast<const unsigned char*>(&flag) <= 1;
}

/// Extended numbers count packets: 2^47 of them take some centuries, and sums of two stay far from overflow.
constexpr std::int64_t number_max = std::int64_t{1} << 47U;
bool in_range(ExtendedSequenceNumber number) noexcept {
  return number.value > -number_max && number.value < number_max;
}
/// On the monotonic clock, with room for sums.
bool in_range(TimePoint time) noexcept {
  constexpr std::int64_t ns_max = std::int64_t{1} << 61U;
  const std::int64_t ns = time.time_since_epoch().count();
  return ns > -ns_max && ns < ns_max;
}

bool is_sound(const IceState& ice) noexcept {
  if (ice.selected > IceState::tuples_max || ice.connection > IceConnection::disconnected) return false;
  for (const IceTuple& entry : ice.tuples) {
    if (entry.used > 1 || !in_range(entry.last_check) || !in_range(entry.budget_second)) return false;
  }
  return ice.selected == IceState::no_tuple || ice.tuples[ice.selected - 1].used == 1;
}

bool is_sound(const LayerRecord& layer) noexcept {
  const ReceiveStatisticsState& s = layer.statistics;
  if (!is_bool(s.started) || !is_bool(s.has_suspect) || !is_bool(s.has_sender_report)) return false;
  if (!in_range(s.base) || !in_range(s.highest) || s.highest < s.base) return false;
  for (const std::int64_t count : {s.received, s.expected_prior, s.received_prior, s.lost_before}) {
    if (count < -number_max || count > number_max) return false;
  }
  if (!in_range(s.last_arrival) || !in_range(s.sender_report_arrival)) return false;
  const KeyFrameRequesterState& k = layer.key_frames;
  if (!is_bool(k.asked) || !is_bool(k.wanted) || !in_range(k.last_request) || !in_range(k.last_key_frame)) return false;
  return is_bool(layer.clock.known) && in_range(layer.clock.arrival);
}

bool is_sound(const RewriterState& r) noexcept {
  if (!is_bool(r.started) || !is_bool(r.forwarded) || !is_bool(r.skipped_last)) return false;
  if (!in_range(r.next_out) || r.next_out.value < 0 || !in_range(r.source_highest) || !in_range(r.timestamp_arrival))
    return false;
  for (const RewriterEpoch& epoch : r.epochs) {
    if (!in_range(epoch.first_out) || !in_range(epoch.first_source) || epoch.source.layer >= layers_max) return false;
  }
  return true;
}

bool is_sound(const Vp8Epoch& epoch) noexcept {
  for (const std::int64_t number : {epoch.first, epoch.highest, epoch.offset, epoch.offset_from}) {
    if (number < -number_max || number > number_max) return false;
  }
  return true;
}

bool is_sound(const SwitcherState& s) noexcept {
  if (s.current > layers_max || !in_range(s.first)) return false;
  for (const ExtendedSequenceNumber highest : s.highest) {
    if (!in_range(highest)) return false;
  }
  return true;
}

bool is_sound(const SenderReporterState& s) noexcept {
  if (!in_range(s.last_activity) || !in_range(s.last_sent) || !in_range(s.last_report)) return false;
  for (const TimePoint sent : s.sent_reports) {
    if (!in_range(sent)) return false;
  }
  return true;
}

}  // namespace

bool is_sound(const TransportRecord& record, const TableSizes& sizes) noexcept {
  if (record.phase > TransportPhase::closed || record.reason > TransportReason::quarantined) return false;
  if (!is_sound(record.ice) || !in_range(record.send_history.next) || record.rtcp_ssrc == 0) return false;
  if (record.ssrcs.count > incoming_ssrcs_max) return false;
  for (std::uint32_t i = 0; i < record.ssrcs.count; ++i) {
    const SsrcBinding& row = record.ssrcs.rows[i];
    if (row.publication_slot >= sizes.publications || row.layer >= layers_max || row.role > StreamRole::rtx ||
        row.origin > BindingOrigin::declared) {
      return false;
    }
  }
  for (const SrtpReceiveStreamState& stream : record.receiver.streams) {
    if (stream.next_rtp_index > std::uint64_t{1} << 48U || stream.next_rtcp_index > std::uint32_t{1} << 31U) return false;
  }
  const PublisherClockState& clock = record.publisher_clock;
  return is_bool(clock.known) && is_bool(clock.has_previous) && in_range(clock.window_begin);
}

bool is_sound(const PublicationRecord& record) noexcept {
  for (const LayerRecord& layer : record.layers) {
    if (!is_sound(layer)) return false;
  }
  return true;
}

bool is_sound(const SubscriptionRecord& record) noexcept {
  if (!is_sound(record.rewriter) || !is_sound(record.switcher) || !is_sound(record.reporter)) return false;
  if (!is_sound(record.vp8.present) || !is_sound(record.vp8.previous) || !is_bool(record.vp8.started)) return false;
  if (record.vp8.highest_out < -number_max || record.vp8.highest_out > number_max) return false;
  if (!is_bool(record.rtx.started) || !in_range(record.rtx.next) || record.rtx.next.value < 0) return false;
  if (!is_bool(record.limiter.accepted_any) || !in_range(record.limiter.last_accepted)) return false;
  constexpr std::uint64_t index_end = std::uint64_t{1} << 48U;
  return record.media_sender.next_index <= index_end && record.rtx_sender.next_index <= index_end;
}

}  // namespace sluice
