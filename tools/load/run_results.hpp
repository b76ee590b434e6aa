#pragma once

#include <cstdint>
#include <vector>

#include "tools/load/frame_tracker.hpp"
#include "tools/load/gap_meter.hpp"
#include "tools/load/index_audit.hpp"
#include "tools/load/media_peer.hpp"
#include "tools/load/media_spec.hpp"
#include "tools/load/tally.hpp"

namespace sluice::load {

/// The state of a run, once a second.
struct Progress {
  std::uint64_t streams = 0;     ///< that subscribers expect
  std::uint64_t streams_up = 0;  ///< with a packet within the last second
  std::uint64_t connected = 0;   ///< peers whose DTLS is done
  std::uint64_t sent = 0;        ///< RTP packets, since the measurement began
  std::uint64_t received = 0;    ///< RTP packets of streams, likewise
  std::uint64_t lost = 0;        ///< by counters, likewise; repairs that are under way count as lost
  Duration worst_gap{};          ///< the longest that ended in, or lasts at the end of, the last second
  Duration latency_p99{};        ///< of the whole measurement
};

/// One gap and whose.
struct GapRecord {
  StreamLabel label;
  std::int64_t begin_wall_ns = 0;  ///< since 1970
  Duration length{};
  Duration generator_late{};  ///< how late the generator itself sent within it: not the server's
};

/// What the media measured, all streams together.
struct MediaResults {
  static constexpr std::size_t gaps_kept = 64;

  std::uint64_t streams = 0;
  std::uint64_t never_up = 0;  ///< streams without a packet
  std::uint64_t dead = 0;      ///< streams that were silent for the last second of the measurement, or never up
  MediaPeer::Counts peers;
  std::uint64_t received = 0;  ///< RTP packets for streams, RTX included
  std::uint64_t unique = 0;    ///< first copies
  std::uint64_t lost = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t repaired = 0;
  std::uint64_t misrouted = 0;
  std::uint64_t unstamped = 0;
  Tally latency;
  GapHistogram gap_histogram;
  Tally gaps;  ///< those that count
  Duration longest_gap{};
  std::vector<GapRecord> longest_gaps;  ///< longest first, at most gaps_kept
  FrameTracker::Counts frames;
  IndexAudit::Counts audit;
  std::uint64_t overflowed = 0;    ///< datagrams lost in full sockets of the generator
  std::uint64_t send_refused = 0;  ///< datagrams that the kernel did not take from the generator
  Tally send_lateness;             ///< of the generator's frames
  std::uint64_t frames_left_out = 0;
  std::int64_t generator_cpu_ns = 0;  ///< of the media thread, in the measurement
  Duration measured{};
};

}  // namespace sluice::load
