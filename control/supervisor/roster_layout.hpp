#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "shm/region/layout_hash.hpp"
#include "shm/region/typed_segment.hpp"

namespace sluice::supervisor {

/// Who fills one place. The start time is stored first, the pid last, so a pid that is there has its start time.
struct RosterPlace {
  std::atomic<std::uint32_t> pid;  // 0: nobody
  std::uint32_t reserved;
  std::atomic<std::uint64_t> start_time;  // in clock ticks since boot
};
static_assert(SharedLayout<RosterPlace> && sizeof(RosterPlace) == 16);

/// What a supervisor leaves behind for the next one.
struct RosterLayout {
  static constexpr SegmentKind segment_kind = SegmentKind::roster;
  static constexpr std::uint16_t segment_major = 1;
  static constexpr std::uint16_t segment_minor = 0;
  static constexpr std::size_t workers_max = 256;
  static constexpr std::size_t path_max = 4096;

  SegmentHeader header;
  std::uint16_t worker_count;
  std::uint16_t media_port;
  std::uint16_t listen_count;  // 0: all addresses
  std::uint16_t reserved;
  std::array<std::array<std::uint8_t, 16>, 2> listen;  // as SocketAddress::ip
  std::array<char, 96> fingerprint;                    // of the certificate, with a zero behind it
  std::atomic<std::uint32_t> folder;                   // which of the two below counts
  std::atomic<std::int32_t> upgrade_client;            // descriptor to tell that an upgrade is done; 0: none waits
  std::array<std::array<char, path_max>, 2> folders;   // where the programs lie; zero-terminated
  RosterPlace keeper;
  RosterPlace handshaker;
  RosterPlace control;
  RosterPlace upgrader;  // whose descriptor upgrade_client is
  std::array<RosterPlace, workers_max> workers;

  static const std::uint64_t segment_layout_hash;
};
static_assert(SharedLayout<RosterLayout>);
SLUICE_FIELD(RosterLayout, worker_count, 128, 2);
SLUICE_FIELD(RosterLayout, listen, 136, 32);
SLUICE_FIELD(RosterLayout, fingerprint, 168, 96);
SLUICE_FIELD(RosterLayout, folder, 264, 4);
SLUICE_FIELD(RosterLayout, upgrade_client, 268, 4);
SLUICE_FIELD(RosterLayout, folders, 272, 8192);
SLUICE_FIELD(RosterLayout, keeper, 8464, 16);
SLUICE_FIELD(RosterLayout, workers, 8528, 4096);

inline constexpr std::uint64_t RosterLayout::segment_layout_hash = layout_hash(
    sizeof(RosterLayout),
    {SLUICE_SPAN(RosterLayout, header), SLUICE_SPAN(RosterLayout, worker_count), SLUICE_SPAN(RosterLayout, media_port),
     SLUICE_SPAN(RosterLayout, listen_count), SLUICE_SPAN(RosterLayout, listen), SLUICE_SPAN(RosterLayout, fingerprint),
     SLUICE_SPAN(RosterLayout, folder), SLUICE_SPAN(RosterLayout, upgrade_client), SLUICE_SPAN(RosterLayout, folders),
     SLUICE_SPAN(RosterLayout, keeper), SLUICE_SPAN(RosterLayout, handshaker), SLUICE_SPAN(RosterLayout, control),
     SLUICE_SPAN(RosterLayout, workers)});

using RosterSegment = TypedSegment<RosterLayout>;

}  // namespace sluice::supervisor
