#pragma once

#include <cstdint>

#include "dataplane/memory/datagram_sink.hpp"
#include "dataplane/srtp/srtp_backend.hpp"
#include "dataplane/worker/message_sinks.hpp"
#include "dataplane/worker/recovery_layout.hpp"
#include "shm/counters/counter_block.hpp"
#include "shm/live/live_tables.hpp"
#include "shm/types/entropy.hpp"

namespace sluice {

/// Everything a WorkerCore works on and with. What it refers to outlives the core.
struct WorkerSurroundings {
  RecoveryView recovery;  ///< its sizes bound the slots; at most SegmentCapacity
  LiveTables& live;
  CounterBlock& counters;
  Entropy& entropy;
  DatagramSink& datagrams;
  EventSink& events;
  HandshakeSink& handshakes;
  std::uint64_t incarnation = 0;   ///< of this worker process, told in SnapshotWanted
  SrtpBackend* backend = nullptr;  ///< null: the OpenSSL one
};

}  // namespace sluice
