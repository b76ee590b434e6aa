#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/router/publication.hpp"
#include "dataplane/router/subscription.hpp"
#include "dataplane/transport/transport_record.hpp"
#include "dataplane/worker/work_note.hpp"
#include "shm/live/live_tables.hpp"
#include "shm/region/layout_hash.hpp"
#include "shm/region/typed_segment.hpp"

namespace sluice {

/// What a worker leaves behind for its successor, beside its wishes (WishLog): SRTP keys and indices, ICE state, numberings,
/// layer choices. The machines work directly on it, so it is always current. It carries keys: only workers map it (and guard
/// it: Region::guard_secrets). Slots are those of the live tables.
struct RecoveryLayout {
  static constexpr SegmentKind segment_kind = SegmentKind::recovery;
  static constexpr std::uint16_t segment_major = 2;
  static constexpr std::uint16_t segment_minor = 0;

  SegmentHeader header;
  WorkNote note;
  std::array<TransportRecord, SegmentCapacity::transports> transports;
  std::array<PublicationRecord, SegmentCapacity::publications> publications;
  std::array<SubscriptionRecord, SegmentCapacity::subscriptions> subscriptions;

  static const std::uint64_t segment_layout_hash;
};
static_assert(SharedLayout<RecoveryLayout>);
static_assert(offsetof(RecoveryLayout, note) == sizeof(SegmentHeader));

inline constexpr std::uint64_t RecoveryLayout::segment_layout_hash = layout_hash(
    sizeof(RecoveryLayout),
    {SLUICE_SPAN(RecoveryLayout, header), SLUICE_SPAN(RecoveryLayout, note), SLUICE_SPAN(RecoveryLayout, transports),
     SLUICE_SPAN(RecoveryLayout, publications), SLUICE_SPAN(RecoveryLayout, subscriptions)},
    {layout_hash(sizeof(TransportRecord),
                 {SLUICE_SPAN(TransportRecord, id), SLUICE_SPAN(TransportRecord, ice), SLUICE_SPAN(TransportRecord, sealer),
                  SLUICE_SPAN(TransportRecord, receiver), SLUICE_SPAN(TransportRecord, ssrcs),
                  SLUICE_SPAN(TransportRecord, send_history), SLUICE_SPAN(TransportRecord, publisher_clock),
                  SLUICE_SPAN(TransportRecord, rtcp_ssrc), SLUICE_SPAN(TransportRecord, phase),
                  SLUICE_SPAN(TransportRecord, reason), SLUICE_SPAN(TransportRecord, name)}),
     layout_hash(sizeof(LayerRecord), {SLUICE_SPAN(LayerRecord, statistics), SLUICE_SPAN(LayerRecord, key_frames),
                                       SLUICE_SPAN(LayerRecord, clock), SLUICE_SPAN(LayerRecord, ssrc),
                                       SLUICE_SPAN(LayerRecord, rtx_ssrc), SLUICE_SPAN(LayerRecord, key_frame_count),
                                       SLUICE_SPAN(LayerRecord, width), SLUICE_SPAN(LayerRecord, height)}),
     layout_hash(sizeof(PublicationRecord), {SLUICE_SPAN(PublicationRecord, id), SLUICE_SPAN(PublicationRecord, layers)}),
     layout_hash(sizeof(SubscriptionRecord),
                 {SLUICE_SPAN(SubscriptionRecord, id), SLUICE_SPAN(SubscriptionRecord, transport),
                  SLUICE_SPAN(SubscriptionRecord, ssrc), SLUICE_SPAN(SubscriptionRecord, rtx_ssrc),
                  SLUICE_SPAN(SubscriptionRecord, rewriter), SLUICE_SPAN(SubscriptionRecord, vp8),
                  SLUICE_SPAN(SubscriptionRecord, switcher), SLUICE_SPAN(SubscriptionRecord, rtx),
                  SLUICE_SPAN(SubscriptionRecord, reporter), SLUICE_SPAN(SubscriptionRecord, limiter),
                  SLUICE_SPAN(SubscriptionRecord, media_sender), SLUICE_SPAN(SubscriptionRecord, rtx_sender)})});

/// The segment of one worker: create(label, incarnation) in the supervisor (or attach_or_format), attach(fd) in the worker.
using RecoverySegment = TypedSegment<RecoveryLayout>;

/// The records as the core sees them; in tests they may lie anywhere and be fewer.
struct RecoveryView {
  std::span<TransportRecord> transports;
  std::span<PublicationRecord> publications;
  std::span<SubscriptionRecord> subscriptions;
  [[nodiscard]] static RecoveryView of(RecoveryLayout& layout) noexcept {
    return {layout.transports, layout.publications, layout.subscriptions};
  }
};

}  // namespace sluice
