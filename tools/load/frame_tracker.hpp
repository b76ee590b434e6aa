#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "shm/types/time.hpp"
#include "tools/load/media_stamp.hpp"

namespace sluice::load {

/// Whether a decoder could show the video of one stream: frames in order, each complete, picture ids one after another, or a
/// key frame after what is missing. Asks for a key frame when it must.
class FrameTracker {
 public:
  /// How long an incomplete frame is waited for (repairs may come) before only a key frame helps.
  static constexpr Duration patience = std::chrono::milliseconds(400);
  /// Between two requests for a key frame; the server merges what comes more often.
  static constexpr Duration request_interval = std::chrono::milliseconds(500);

  /// The first copy of a packet, with the picture id of its VP8 descriptor (15 bits).
  void on_packet(TimePoint arrival, const MediaStamp& stamp, std::uint16_t picture_id) noexcept;
  /// Looks whether patience is over. True when a key frame is to be asked for now.
  [[nodiscard]] bool wants_key_frame(TimePoint now) noexcept;
  /// No more frames are expected: the time since the last one counts as still.
  void finish(TimePoint now) noexcept;
  /// Counts anew; the decoder goes on where it is.
  void reset(TimePoint now) noexcept;

  struct Counts {
    std::uint64_t decoded = 0;
    std::uint64_t key_frames = 0;
    std::uint64_t skipped = 0;            ///< frames jumped over to a key frame
    std::uint64_t freezes = 0;            ///< times that only a key frame helped
    std::uint64_t picture_id_breaks = 0;  ///< a frame that follows its predecessor, but whose picture id does not
    std::uint64_t requests = 0;           ///< key frames asked for
    Duration longest_still{};             ///< longest time between two decoded frames
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  [[nodiscard]] bool waits_for_key_frame() const noexcept { return !decoding_; }

 private:
  struct Slot {
    std::uint32_t frame = 0;
    std::uint16_t count = 0;  // 0: nothing of this frame
    std::uint16_t seen = 0;
    std::uint16_t picture_id = 0;
    bool key_frame = false;
    TimePoint first;
  };
  static constexpr std::size_t slots = 128;  // four seconds of video
  [[nodiscard]] Slot& slot_of(std::uint32_t frame) noexcept { return slots_[frame % slots]; }
  [[nodiscard]] bool complete(std::uint32_t frame) noexcept;
  void decode(TimePoint now, const Slot& slot) noexcept;
  void advance(TimePoint now) noexcept;

  std::array<Slot, slots> slots_{};
  Counts counts_;
  std::uint32_t next_ = 0;    // the frame to decode next
  std::uint32_t newest_ = 0;  // highest frame of which a packet arrived
  std::uint16_t last_picture_id_ = 0;
  TimePoint last_decoded_;
  TimePoint blocked_since_ = never;
  TimePoint next_request_;
  bool seen_any_ = false;
  bool decoding_ = false;  // false: only a key frame helps
  bool decoded_any_ = false;
};

}  // namespace sluice::load
