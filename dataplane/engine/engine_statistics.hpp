#pragma once

#include <cstdint>

namespace sluice {

/// What an engine did since it was opened. Written by the engine's thread only; every drop has a counter of its own.
struct EngineStatistics {
  // in
  std::uint64_t datagrams_received = 0;   // handed to the handler
  std::uint64_t bytes_received = 0;       // UDP payload of those
  std::uint64_t messages_received = 0;    // what the kernel gave: with UDP_GRO one message holds up to 64 datagrams
  std::uint64_t datagrams_oversized = 0;  // dropped: longer than EngineConfig::datagram_bytes_max
  std::uint64_t receive_exhausted = 0;    // all receive buffers were full; the socket's queue held the rest meanwhile
  std::uint64_t receive_failures = 0;     // the kernel refused to receive
  // out
  std::uint64_t packets_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t messages_sent = 0;      // one per packet, or per train of them (UDP_SEGMENT)
  std::uint64_t trains_split = 0;       // the kernel refused a train (route's MTU, device); its packets were sent singly
  std::uint64_t send_failures = 0;      // packets that the kernel refused
  std::uint64_t send_queue_full = 0;    // packets dropped, newest first: every message slot is in the kernel's hands
  std::uint64_t packet_pool_empty = 0;  // acquire() gave nothing
  std::uint64_t no_socket = 0;          // packets dropped: the tuple names a socket that this engine has not
  // loop
  std::uint64_t waits = 0;      // sleeps in the kernel
  std::uint64_t doorbells = 0;  // wakes by doorbell
};

}  // namespace sluice
