#pragma once

#include <cstdint>

#include "dataplane/memory/datagram_sink.hpp"
#include "dataplane/srtp/srtp_backend.hpp"
#include "dataplane/worker/message_sinks.hpp"
#include "dataplane/worker/recovery_layout.hpp"
#include "shm/counters/counter_block.hpp"
#include "shm/descriptors/worker_assignment.hpp"
#include "shm/live/live_tables.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/entropy.hpp"

namespace sluice {

/// Looks at authenticated RTP before it is forwarded. Only test programs have one: the poison packet that aborts.
class PlaintextProbe {
 public:
  virtual ~PlaintextProbe() = default;
  virtual void on_plaintext(Bytes packet) noexcept = 0;
};

/// Everything a WorkerCore works on and with. What it refers to outlives the core.
struct WorkerSurroundings {
  RecoveryView recovery;  ///< its sizes bound the slots; at most SegmentCapacity
  LiveTables& live;
  CounterBlock& counters;
  Entropy& entropy;
  DatagramSink& datagrams;
  EventSink& events;
  HandshakeSink& handshakes;
  std::uint64_t incarnation = 0;  ///< of this worker process, told in SnapshotWanted
  /// Where the desired state is kept for a successor; null: nowhere, and nothing is adopted.
  StateLog* wishes = nullptr;
  WorkNote* note = nullptr;  ///< null: nobody looks after our death
  /// Why there is a place to take. The note's signal counts as a crash whatever this says.
  PredecessorFate fate = PredecessorFate::none;
  PlaintextProbe* probe = nullptr;
  /// The way to the other workers, this one's number among them, and how many there are; null: it is alone.
  RelaySink* relays = nullptr;
  WorkerId self{};
  std::uint16_t workers = 1;
  SrtpBackend* backend = nullptr;  ///< null: the fastest that runs here
};

}  // namespace sluice
