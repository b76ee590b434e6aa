#include "tools/load/frame_tracker.hpp"

#include <algorithm>

namespace sluice::load {

namespace {
constexpr std::uint16_t picture_id_mask = 0x7fff;
}  // namespace

bool FrameTracker::complete(std::uint32_t frame) noexcept {
  const Slot& slot = slot_of(frame);
  return slot.frame == frame && slot.count != 0 && slot.seen == slot.count;
}

void FrameTracker::decode(TimePoint now, const Slot& slot) noexcept {
  ++counts_.decoded;
  if (slot.key_frame) ++counts_.key_frames;
  if (decoded_any_) counts_.longest_still = std::max(counts_.longest_still, now - last_decoded_);
  decoded_any_ = true;
  last_decoded_ = now;
  last_picture_id_ = slot.picture_id;
  next_ = slot.frame + 1;
  blocked_since_ = never;
}

void FrameTracker::advance(TimePoint now) noexcept {
  while (decoding_ && complete(next_)) {
    const Slot& slot = slot_of(next_);
    if (!slot.key_frame && slot.picture_id != ((last_picture_id_ + 1) & picture_id_mask)) ++counts_.picture_id_breaks;
    decode(now, slot);
  }
  // A complete key frame further on makes what is missing before it needless.
  for (std::uint32_t frame = next_; seen_any_ && frame <= newest_; ++frame) {
    if (!complete(frame) || !slot_of(frame).key_frame) continue;
    if (decoded_any_) counts_.skipped += frame - next_;
    decoding_ = true;
    decode(now, slot_of(frame));
    advance(now);
    return;
  }
  const bool blocked = decoding_ && newest_ >= next_ && seen_any_;
  if (!blocked) {
    blocked_since_ = never;
  } else if (blocked_since_ == never) {
    blocked_since_ = now;
  }
}

void FrameTracker::on_packet(TimePoint arrival, const MediaStamp& stamp, std::uint16_t picture_id) noexcept {
  if (!seen_any_) {
    seen_any_ = true;
    newest_ = stamp.frame;
    next_ = stamp.frame;
  }
  if (stamp.frame < next_) return;
  newest_ = std::max(newest_, stamp.frame);
  if (newest_ - next_ >= slots) {
    // Too far behind to remember what came in between.
    const std::uint32_t oldest = newest_ - static_cast<std::uint32_t>(slots) + 1;
    if (decoding_) ++counts_.freezes;
    decoding_ = false;
    if (decoded_any_) counts_.skipped += oldest - next_;
    next_ = oldest;
    if (stamp.frame < next_) return;
  }
  Slot& slot = slot_of(stamp.frame);
  if (slot.frame != stamp.frame || slot.count == 0) {
    slot = {.frame = stamp.frame,
            .count = stamp.count,
            .seen = 0,
            .picture_id = picture_id,
            .key_frame = stamp.key_frame,
            .first = arrival};
  }
  ++slot.seen;
  if (slot.seen == slot.count) {
    advance(arrival);
  } else if (blocked_since_ == never && decoding_ && newest_ > next_) {
    blocked_since_ = arrival;
  }
}

bool FrameTracker::wants_key_frame(TimePoint now) noexcept {
  if (!seen_any_) return false;
  if (decoding_ && blocked_since_ != never && now - blocked_since_ > patience) {
    decoding_ = false;
    blocked_since_ = never;
    ++counts_.freezes;
  }
  if (decoding_ || now < next_request_) return false;
  next_request_ = now + request_interval;
  ++counts_.requests;
  return true;
}

void FrameTracker::finish(TimePoint now) noexcept {
  if (decoded_any_) counts_.longest_still = std::max(counts_.longest_still, now - last_decoded_);
  decoded_any_ = false;
}

void FrameTracker::reset(TimePoint now) noexcept {
  counts_ = {};
  if (decoded_any_) last_decoded_ = std::max(last_decoded_, now);
}

}  // namespace sluice::load
