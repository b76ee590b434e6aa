#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shm/counters/counter_block.hpp"
#include "shm/counters/heartbeat.hpp"
#include "shm/counters/latency_histogram.hpp"
#include "shm/live/live_tables.hpp"
#include "shm/region/layout_hash.hpp"
#include "shm/region/typed_segment.hpp"
#include "shm/ring/ring_layout.hpp"

namespace sluice {

/// Where worker and control stand with each other.
struct alignas(shared_line_bytes) Generations {
  std::atomic<std::uint64_t> committed;           // worker: the last generation that it applied as a whole; 0: none
  std::atomic<std::uint64_t> worker_incarnation;  // worker: counts its processes on this segment
};
static_assert(SharedLayout<Generations> && sizeof(Generations) == 128);
SLUICE_FIELD(Generations, committed, 0, 8);
SLUICE_FIELD(Generations, worker_incarnation, 8, 8);

/// What one worker shares with control: no keys, no credentials.
struct SharedLayoutOfWorker {
  static constexpr SegmentKind segment_kind = SegmentKind::shared;
  static constexpr std::uint16_t segment_major = 2;
  static constexpr std::uint16_t segment_minor = 0;
  static constexpr std::size_t ring_bytes = std::size_t{1} << 20U;

  SegmentHeader header;
  RingLayout<ring_bytes> commands;      // control -> worker, schemas/commands.fbs
  RingLayout<ring_bytes> events;        // worker -> control, schemas/events.fbs
  CounterBlock counters;                // worker
  LatencyHistogram forwarding_latency;  // worker: from receive to hand-over to the kernel
  Heartbeat worker_heartbeat;
  Heartbeat control_heartbeat;
  Generations generations;  // worker
  LiveTables live;          // worker

  static const std::uint64_t segment_layout_hash;
};
static_assert(SharedLayout<SharedLayoutOfWorker> && alignof(SharedLayoutOfWorker) == 128);
SLUICE_FIELD(SharedLayoutOfWorker, header, 0, 128);
SLUICE_FIELD(SharedLayoutOfWorker, commands, 128, 384 + (1U << 20U));
SLUICE_FIELD(SharedLayoutOfWorker, events, 1'049'088, 384 + (1U << 20U));
SLUICE_FIELD(SharedLayoutOfWorker, counters, 2'098'048, 1024);
SLUICE_FIELD(SharedLayoutOfWorker, forwarding_latency, 2'099'072, 2176);
SLUICE_FIELD(SharedLayoutOfWorker, worker_heartbeat, 2'101'248, 128);
SLUICE_FIELD(SharedLayoutOfWorker, control_heartbeat, 2'101'376, 128);
SLUICE_FIELD(SharedLayoutOfWorker, generations, 2'101'504, 128);
SLUICE_FIELD(SharedLayoutOfWorker, live, 2'101'632, sizeof(LiveTables));

inline constexpr std::uint64_t SharedLayoutOfWorker::segment_layout_hash =
    layout_hash(sizeof(SharedLayoutOfWorker),
                {SLUICE_SPAN(SharedLayoutOfWorker, header), SLUICE_SPAN(SharedLayoutOfWorker, commands),
                 SLUICE_SPAN(SharedLayoutOfWorker, events), SLUICE_SPAN(SharedLayoutOfWorker, counters),
                 SLUICE_SPAN(SharedLayoutOfWorker, forwarding_latency), SLUICE_SPAN(SharedLayoutOfWorker, worker_heartbeat),
                 SLUICE_SPAN(SharedLayoutOfWorker, control_heartbeat), SLUICE_SPAN(SharedLayoutOfWorker, generations),
                 SLUICE_SPAN(SharedLayoutOfWorker, live)},
                {counter_list_hash(), live_tables_hash()});

/// The segment between control and one worker: create(label, incarnation) in the supervisor, attach(fd) elsewhere
/// (read-only for tools).
using SharedSegment = TypedSegment<SharedLayoutOfWorker>;

}  // namespace sluice
