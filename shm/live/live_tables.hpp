#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "shm/live/live_rows.hpp"
#include "shm/region/seqlock_row.hpp"
#include "shm/types/loudness.hpp"

namespace sluice {

/// How many entities one worker may hold: slots of ids are smaller than these. The one place for these numbers.
struct SegmentCapacity {
  static constexpr std::uint32_t transports = 1024;
  static constexpr std::uint32_t publications = 2048;
  static constexpr std::uint32_t subscriptions = 16384;
};

/// One table: a row per slot. The worker writes, everyone reads.
template <typename Row, typename RowId, std::uint32_t Capacity>
struct alignas(shared_line_bytes) LiveTable {
  static constexpr std::uint32_t capacity = Capacity;
  std::atomic<std::uint32_t> slots_used;  // rows at and above were never written; only grows
  std::uint32_t reserved[31];
  std::array<SeqlockRow<Row>, Capacity> rows;

  /// Worker only. `row.id` names the slot; false when that slot does not exist.
  bool write(const Row& row) noexcept {
    const auto id = RowId::unpack(row.id);
    if (!id.valid() || id.slot >= Capacity) return false;
    rows[id.slot].write(row);
    if (id.slot >= slots_used.load(std::memory_order_relaxed)) slots_used.store(id.slot + 1, std::memory_order_release);
    return true;
  }
  /// Worker only. Empties the row if it still is of this incarnation.
  void erase(RowId id) noexcept {
    if (id.slot >= Capacity) return;
    const auto row = rows[id.slot].read(1);
    if (row && row->id == id.packed()) rows[id.slot].write(Row{});
  }
  /// The row of exactly this incarnation. Nothing: it is not there, or is not believable, or the worker stopped inside it.
  [[nodiscard]] std::optional<Row> read(RowId id) const noexcept {
    if (!id.valid() || id.slot >= Capacity) return std::nullopt;
    const auto row = rows[id.slot].read();
    if (!row || row->id != id.packed() || !plausible(*row)) return std::nullopt;
    return row;
  }
  /// Calls `visit(const Row&)` for every row that is there; rows are of different instants.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    const std::uint32_t end = std::min(slots_used.load(std::memory_order_acquire), Capacity);
    for (std::uint32_t slot = 0; slot < end; ++slot) {
      const auto row = rows[slot].read();
      if (!row || row->id == 0) continue;
      const auto id = RowId::unpack(row->id);
      if (!id.valid() || id.slot != slot || !plausible(*row)) continue;
      visit(*row);
    }
  }
};

/// Levels by slots of publications. Apart from the rows, because they change with every packet: a relaxed store, and nothing
/// at all for a sender that tells no levels.
struct alignas(shared_line_bytes) AudioLevels {
  static constexpr std::uint32_t capacity = SegmentCapacity::publications;
  std::array<std::atomic<std::uint64_t>, capacity> words;  // Loudness::packed

  /// Nothing: no packet of this incarnation carried a level.
  [[nodiscard]] std::optional<Loudness> read(PublicationId id) const noexcept {
    if (!id.valid() || id.slot >= capacity) return std::nullopt;
    const Loudness level = Loudness::unpack(words[id.slot].load(std::memory_order_relaxed));
    if (level.packets == 0 || level.incarnation != static_cast<std::uint16_t>(id.incarnation)) return std::nullopt;
    return level;
  }
};

/// Declared state of one worker, readable by control and by tools at any time, also after a restart of either.
struct LiveTables {
  LiveTable<TransportRow, TransportId, SegmentCapacity::transports> transports;
  LiveTable<PublicationRow, PublicationId, SegmentCapacity::publications> publications;
  LiveTable<SubscriptionRow, SubscriptionId, SegmentCapacity::subscriptions> subscriptions;
  AudioLevels audio_levels;
};
static_assert(SharedLayout<LiveTables>);
static_assert(sizeof(SeqlockRow<TransportRow>) == 112 && sizeof(SeqlockRow<PublicationRow>) == 184 &&
              sizeof(SeqlockRow<SubscriptionRow>) == 80);
SLUICE_FIELD(LiveTables, transports, 0, 128 + 112 * 1024);
SLUICE_FIELD(LiveTables, publications, 114'816, 128 + 184 * 2048);
SLUICE_FIELD(LiveTables, subscriptions, 491'776, 128 + 80 * 16384);
SLUICE_FIELD(LiveTables, audio_levels, 1'802'624, 8 * 2048);

/// Covers the rows' fields as well.
[[nodiscard]] std::uint64_t constexpr live_tables_hash() {
  return layout_hash(
      sizeof(LiveTables),
      {SLUICE_SPAN(LiveTables, transports), SLUICE_SPAN(LiveTables, publications), SLUICE_SPAN(LiveTables, subscriptions),
       SLUICE_SPAN(LiveTables, audio_levels)},
      {layout_hash(
           sizeof(TransportRow),
           {SLUICE_SPAN(TransportRow, id), SLUICE_SPAN(TransportRow, state), SLUICE_SPAN(TransportRow, reason),
            SLUICE_SPAN(TransportRow, srtp_profile), SLUICE_SPAN(TransportRow, rtt_us), SLUICE_SPAN(TransportRow, remote),
            SLUICE_SPAN(TransportRow, packets_in), SLUICE_SPAN(TransportRow, bytes_in),
            SLUICE_SPAN(TransportRow, packets_out), SLUICE_SPAN(TransportRow, bytes_out),
            SLUICE_SPAN(TransportRow, created_ns), SLUICE_SPAN(TransportRow, state_since_ns),
            SLUICE_SPAN(TransportRow, last_received_ns), SLUICE_SPAN(TransportRow, available_bps)}),
       layout_hash(sizeof(LayerRow),
                   {SLUICE_SPAN(LayerRow, ssrc), SLUICE_SPAN(LayerRow, rtx_ssrc), SLUICE_SPAN(LayerRow, packets),
                    SLUICE_SPAN(LayerRow, bytes), SLUICE_SPAN(LayerRow, lost), SLUICE_SPAN(LayerRow, bitrate_bps),
                    SLUICE_SPAN(LayerRow, key_frames), SLUICE_SPAN(LayerRow, width), SLUICE_SPAN(LayerRow, height),
                    SLUICE_SPAN(LayerRow, fps_tenths), SLUICE_SPAN(LayerRow, active)}),
       layout_hash(sizeof(PublicationRow), {SLUICE_SPAN(PublicationRow, id), SLUICE_SPAN(PublicationRow, transport),
                                            SLUICE_SPAN(PublicationRow, kind), SLUICE_SPAN(PublicationRow, codec),
                                            SLUICE_SPAN(PublicationRow, forward), SLUICE_SPAN(PublicationRow, layer_count),
                                            SLUICE_SPAN(PublicationRow, key_frame_requests),
                                            SLUICE_SPAN(PublicationRow, layers), SLUICE_SPAN(PublicationRow, policy_epoch)}),
       layout_hash(sizeof(SubscriptionRow),
                   {SLUICE_SPAN(SubscriptionRow, id), SLUICE_SPAN(SubscriptionRow, transport),
                    SLUICE_SPAN(SubscriptionRow, publication), SLUICE_SPAN(SubscriptionRow, current_layer),
                    SLUICE_SPAN(SubscriptionRow, target_layer), SLUICE_SPAN(SubscriptionRow, loss_per_mille),
                    SLUICE_SPAN(SubscriptionRow, bitrate_bps), SLUICE_SPAN(SubscriptionRow, packets),
                    SLUICE_SPAN(SubscriptionRow, bytes), SLUICE_SPAN(SubscriptionRow, retransmitted),
                    SLUICE_SPAN(SubscriptionRow, nacks), SLUICE_SPAN(SubscriptionRow, key_frame_requests),
                    SLUICE_SPAN(SubscriptionRow, policy_epoch), SLUICE_SPAN(SubscriptionRow, active)})});
}

}  // namespace sluice
