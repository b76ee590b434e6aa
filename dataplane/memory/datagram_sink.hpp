#pragma once

#include "dataplane/memory/packet_buffer.hpp"
#include "shm/types/address.hpp"

namespace sluice {

/// Where a worker puts what it sends: the engine in production, the simulated network in tests. Sending is batched: a
/// datagram may leave only when the loop flushes.
class DatagramSink {
 public:
  DatagramSink() = default;
  DatagramSink(const DatagramSink&) = delete;
  DatagramSink& operator=(const DatagramSink&) = delete;
  virtual ~DatagramSink() = default;
  /// A free buffer to write a datagram into; an empty handle when the pool is exhausted (drop and count).
  virtual PacketBuffer acquire() noexcept = 0;
  /// Queues `packet` for `to`. Takes ownership; an empty or zero-sized packet is ignored.
  virtual void send(const Tuple& to, PacketBuffer packet) noexcept = 0;
};

}  // namespace sluice
