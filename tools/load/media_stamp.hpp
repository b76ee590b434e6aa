#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "shm/types/bytes.hpp"
#include "shm/types/time.hpp"

namespace sluice::load {

/// What every packet of the generator carries behind the VP8 descriptor (and frame header) or the Opus TOC, big-endian:
///
///   | magic (16) | flags (16) | stream (32) | counter (64) | send time, ns of CLOCK_MONOTONIC (64) |
///   | frame (32) | index in frame (16) | packets of frame (16) |
struct MediaStamp {
  static constexpr std::size_t size = 32;
  static constexpr std::uint16_t magic = 0x534c;

  std::uint32_t stream = 0;   ///< of one publisher and kind, unique in a run
  std::uint64_t counter = 0;  ///< of the packets of that stream, from 0
  TimePoint sent;
  std::uint32_t frame = 0;  ///< video: number of the frame; audio: of the packet
  std::uint16_t index = 0;  ///< of this packet in its frame
  std::uint16_t count = 1;  ///< packets of the frame
  bool key_frame = false;

  /// Writes `size` bytes to the front of `out`; false, and nothing written, when there is no room.
  [[nodiscard]] bool write(MutableBytes out) const noexcept;
  /// Nothing when it is too short, has another magic, or counts a packet beyond its frame.
  [[nodiscard]] static std::optional<MediaStamp> read(Bytes bytes) noexcept;
  friend bool operator==(const MediaStamp&, const MediaStamp&) = default;
};

}  // namespace sluice::load
