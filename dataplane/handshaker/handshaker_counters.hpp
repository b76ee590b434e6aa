#pragma once

#include <cstdint>

namespace sluice {

/// What a handshaker did since it started.
struct HandshakerCounters {
  std::uint64_t opened = 0;
  std::uint64_t restarted = 0;  // opened again with other parameters, or after a failure
  std::uint64_t started = 0;    // handshakes that began
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t closed_by_peer = 0;
  std::uint64_t datagrams = 0;  // that reached an association
  std::uint64_t sends = 0;
  std::uint64_t sends_lost = 0;       // the worker's ring was full
  std::uint64_t notices_delayed = 0;  // done, failed or started had to wait for room
  // Datagrams and messages that were dropped:
  std::uint64_t unknown = 0;      // no such association: never opened, closed, or of a predecessor of this process
  std::uint64_t stale = 0;        // names an incarnation that was replaced
  std::uint64_t over_budget = 0;  // a first datagram while too many handshakes began or run; the peer repeats it
  std::uint64_t over_rate = 0;    // one association got more datagrams than any honest peer sends
  std::uint64_t over_limit = 0;   // DtlsLimits
  std::uint64_t malformed = 0;
  std::uint64_t not_open = 0;  // failed or closed associations
};

}  // namespace sluice
