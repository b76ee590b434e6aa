#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "schemas/events_generated.h"
#include "shm/region/layout_hash.hpp"
#include "shm/types/address.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/kind.hpp"

namespace sluice {

// What a worker tells about its transports and streams: no secrets. Counts are since the entity was made; they survive
// the worker. Flags are bytes (0 or 1), because a bool that another process wrote may be anything. The id is packed
// (SlotId); 0: the row is empty.

struct TransportRow {
  std::uint64_t id = 0;
  schema::TransportState state = schema::TransportState::waiting;
  schema::FailureReason reason = schema::FailureReason::none;  // why disconnected, failed or closed
  SrtpProfile srtp_profile = SrtpProfile::none;                // none until the handshake is done
  std::uint32_t rtt_us = 0;                                    // smoothed; 0: not measured
  SocketAddress remote;                                        // selected by ICE; port 0: none yet
  std::uint8_t reserved[6] = {};
  std::uint64_t packets_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t packets_out = 0;
  std::uint64_t bytes_out = 0;
  std::int64_t created_ns = 0;        // MediaClock, like all times here
  std::int64_t state_since_ns = 0;    // when `state` was entered
  std::int64_t last_received_ns = 0;  // of the last authenticated packet
  std::uint64_t available_bps = 0;    // estimate of the path to the peer, bit/s; 0: none yet
};
static_assert(std::is_trivially_copyable_v<TransportRow> && std::is_standard_layout_v<TransportRow>);
static_assert(sizeof(TransportRow) == 104 && alignof(TransportRow) == 8);
SLUICE_FIELD(TransportRow, id, 0, 8);
SLUICE_FIELD(TransportRow, state, 8, 1);
SLUICE_FIELD(TransportRow, reason, 9, 1);
SLUICE_FIELD(TransportRow, srtp_profile, 10, 2);
SLUICE_FIELD(TransportRow, rtt_us, 12, 4);
SLUICE_FIELD(TransportRow, remote, 16, 18);
SLUICE_FIELD(TransportRow, packets_in, 40, 8);
SLUICE_FIELD(TransportRow, bytes_in, 48, 8);
SLUICE_FIELD(TransportRow, packets_out, 56, 8);
SLUICE_FIELD(TransportRow, bytes_out, 64, 8);
SLUICE_FIELD(TransportRow, created_ns, 72, 8);
SLUICE_FIELD(TransportRow, state_since_ns, 80, 8);
SLUICE_FIELD(TransportRow, last_received_ns, 88, 8);
SLUICE_FIELD(TransportRow, available_bps, 96, 8);

/// One simulcast layer as it arrives.
struct LayerRow {
  std::uint32_t ssrc = 0;         // 0: not seen yet
  std::uint32_t rtx_ssrc = 0;     // 0: none
  std::uint64_t packets = 0;      // received, without duplicates and retransmissions
  std::uint64_t bytes = 0;        // payload of those
  std::uint64_t lost = 0;         // expected and never received
  std::uint32_t bitrate_bps = 0;  // over the last second
  std::uint32_t key_frames = 0;
  std::uint16_t width = 0;  // of the last key frame; 0: unknown
  std::uint16_t height = 0;
  std::uint16_t fps_tenths = 0;  // frames per second times ten
  std::uint8_t active = 0;       // 1: packets come
  std::uint8_t reserved[1] = {};
};
static_assert(sizeof(LayerRow) == 48 && alignof(LayerRow) == 8);
SLUICE_FIELD(LayerRow, ssrc, 0, 4);
SLUICE_FIELD(LayerRow, rtx_ssrc, 4, 4);
SLUICE_FIELD(LayerRow, packets, 8, 8);
SLUICE_FIELD(LayerRow, bytes, 16, 8);
SLUICE_FIELD(LayerRow, lost, 24, 8);
SLUICE_FIELD(LayerRow, bitrate_bps, 32, 4);
SLUICE_FIELD(LayerRow, key_frames, 36, 4);
SLUICE_FIELD(LayerRow, width, 40, 2);
SLUICE_FIELD(LayerRow, height, 42, 2);
SLUICE_FIELD(LayerRow, fps_tenths, 44, 2);
SLUICE_FIELD(LayerRow, active, 46, 1);

inline constexpr std::size_t live_layers_max = 3;

struct PublicationRow {
  std::uint64_t id = 0;
  std::uint64_t transport = 0;  // packed TransportId of the sending peer
  MediaKind kind = MediaKind::audio;
  Codec codec = Codec::unknown;                    // of the last packet
  std::uint8_t forward = 0;                        // 1: policy lets it pass
  std::uint8_t layer_count = 0;                    // 0..3
  std::uint32_t key_frame_requests = 0;            // sent to the publisher
  std::array<LayerRow, live_layers_max> layers{};  // lowest quality first
  std::uint32_t policy_epoch = 0;                  // of the decision behind `forward`; 0: none
  std::uint8_t reserved[4] = {};
};
static_assert(std::is_trivially_copyable_v<PublicationRow> && std::is_standard_layout_v<PublicationRow>);
static_assert(sizeof(PublicationRow) == 176 && alignof(PublicationRow) == 8);
SLUICE_FIELD(PublicationRow, id, 0, 8);
SLUICE_FIELD(PublicationRow, transport, 8, 8);
SLUICE_FIELD(PublicationRow, kind, 16, 1);
SLUICE_FIELD(PublicationRow, codec, 17, 1);
SLUICE_FIELD(PublicationRow, forward, 18, 1);
SLUICE_FIELD(PublicationRow, layer_count, 19, 1);
SLUICE_FIELD(PublicationRow, key_frame_requests, 20, 4);
SLUICE_FIELD(PublicationRow, layers, 24, 144);
SLUICE_FIELD(PublicationRow, policy_epoch, 168, 4);

inline constexpr std::uint8_t no_layer = 255;

struct SubscriptionRow {
  std::uint64_t id = 0;
  std::uint64_t transport = 0;            // packed TransportId of the receiving peer
  std::uint64_t publication = 0;          // what fills the m-line; 0: nothing
  std::uint8_t current_layer = no_layer;  // what is forwarded; 255: nothing
  std::uint8_t target_layer = no_layer;   // what is aimed at
  std::uint16_t loss_per_mille = 0;       // fraction lost by the receiver's last report, 0..1000
  std::uint32_t bitrate_bps = 0;          // sent over the last second
  std::uint64_t packets = 0;              // sent, without retransmissions
  std::uint64_t bytes = 0;                // payload of those
  std::uint64_t retransmitted = 0;        // packets sent again
  std::uint32_t nacks = 0;                // packets the receiver asked for
  std::uint32_t key_frame_requests = 0;   // PLI and FIR of the receiver
  std::uint32_t policy_epoch = 0;         // of the decision behind `active`; 0: none
  std::uint8_t active = 0;                // 1: the consumer may receive, and is not paused
  std::uint8_t reserved[3] = {};
};
static_assert(std::is_trivially_copyable_v<SubscriptionRow> && std::is_standard_layout_v<SubscriptionRow>);
static_assert(sizeof(SubscriptionRow) == 72 && alignof(SubscriptionRow) == 8);
SLUICE_FIELD(SubscriptionRow, id, 0, 8);
SLUICE_FIELD(SubscriptionRow, transport, 8, 8);
SLUICE_FIELD(SubscriptionRow, publication, 16, 8);
SLUICE_FIELD(SubscriptionRow, current_layer, 24, 1);
SLUICE_FIELD(SubscriptionRow, target_layer, 25, 1);
SLUICE_FIELD(SubscriptionRow, loss_per_mille, 26, 2);
SLUICE_FIELD(SubscriptionRow, bitrate_bps, 28, 4);
SLUICE_FIELD(SubscriptionRow, packets, 32, 8);
SLUICE_FIELD(SubscriptionRow, bytes, 40, 8);
SLUICE_FIELD(SubscriptionRow, retransmitted, 48, 8);
SLUICE_FIELD(SubscriptionRow, nacks, 56, 4);
SLUICE_FIELD(SubscriptionRow, key_frame_requests, 60, 4);
SLUICE_FIELD(SubscriptionRow, policy_epoch, 64, 4);
SLUICE_FIELD(SubscriptionRow, active, 68, 1);

/// Enums and ranges of a row that another process wrote. A row that fails is not believed.
[[nodiscard]] bool plausible(const TransportRow& row) noexcept;
[[nodiscard]] bool plausible(const PublicationRow& row) noexcept;
[[nodiscard]] bool plausible(const SubscriptionRow& row) noexcept;

}  // namespace sluice
