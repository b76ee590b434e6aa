#include "dataplane/rtp/vp8_rewriter.hpp"

#include <algorithm>

#include "dataplane/memory/prefetch.hpp"

namespace sluice {
namespace {

constexpr std::int64_t picture_ids = 1 << 15;
constexpr std::uint32_t tag_present = 1U << 31U;
constexpr std::uint32_t tag_wide = 1U << 30U;

/// The extended id nearest to `reference` that looks like the wire's 15 or 7 bits.
constexpr std::int64_t extend_picture_id(Vp8PictureFields fields, std::int64_t reference) noexcept {
  const std::int64_t space = fields.wide ? picture_ids : 128;
  const std::int64_t distance = (fields.picture_id - reference + space / 2) & (space - 1);
  return reference + distance - space / 2;
}

constexpr std::uint16_t on_wire(std::int64_t picture) noexcept {
  return static_cast<std::uint16_t>(picture & (picture_ids - 1));
}

constexpr std::size_t place_of(std::int64_t picture) noexcept {
  return static_cast<std::size_t>(picture) % Vp8Rewriter::pictures_kept;
}

}  // namespace

Vp8Rewriter::Vp8Rewriter(Vp8RewriterState& state) : state_(&state), rings_(2) {}

void Vp8Rewriter::prefetch_next() const noexcept {
  prefetch(&rings_[present_ring_][place_of(state_->present.highest)], 2 * sizeof(Picture));
}

void Vp8Rewriter::begin_source(const MediaSource& source, Vp8PictureFields first) noexcept {
  Vp8RewriterState& s = *state_;
  s.previous = s.present;
  present_ring_ = 1 - present_ring_;
  ring_of_present().fill({});
  Vp8Epoch& e = s.present;
  e = {};
  e.source = source;
  e.first = first.picture_id + picture_ids;  // late ones stay positive
  e.highest = e.first - 1;
  e.offset_from = e.first - 1;
  if (s.started) {
    e.offset = e.first - (s.highest_out + 1);
    e.tl0_offset = static_cast<std::uint8_t>(first.tl0_picture_index - (s.tl0_out + 1));
  }
}

void Vp8Rewriter::advance_to(std::int64_t picture, Status status) noexcept {
  Vp8Epoch& e = state_->present;
  Ring& ring = ring_of_present();
  const std::int64_t from = std::max(e.highest + 1, picture - static_cast<std::int64_t>(pictures_kept) + 1);
  for (std::int64_t p = from; p < picture; ++p) {
    ring[place_of(p)] = {static_cast<std::uint32_t>(p), on_wire(p - e.offset), Status::lost};
  }
  ring[place_of(picture)] = {static_cast<std::uint32_t>(picture), on_wire(picture - e.offset), status};
  e.highest = picture;
}

std::optional<std::int64_t> Vp8Rewriter::find(const Vp8Epoch& epoch, Ring& ring, std::int64_t picture) noexcept {
  if (picture < epoch.first || picture > epoch.highest) return std::nullopt;
  Picture& known = ring[place_of(picture)];
  if (known.status != Status::unknown && known.source_low == static_cast<std::uint32_t>(picture)) {
    if (known.status == Status::skipped) return std::nullopt;
    known.status = Status::mapped;
    return known.out;
  }
  // Not in the ring (a successor's is empty): the offset still holds behind the last skipped picture.
  if (picture > epoch.offset_from) return on_wire(picture - epoch.offset);
  return std::nullopt;
}

std::optional<Vp8PictureFields> Vp8Rewriter::map(const MediaSource& source, Vp8PictureFields fields) noexcept {
  Vp8RewriterState& s = *state_;
  const auto with = [&](std::int64_t out, const Vp8Epoch& epoch) {
    return Vp8PictureFields{on_wire(out), static_cast<std::uint8_t>(fields.tl0_picture_index - epoch.tl0_offset),
                            fields.wide};
  };
  if (source == s.present.source && s.present.source.valid()) {
    const Vp8Epoch& e = s.present;
    const std::int64_t picture = extend_picture_id(fields, std::max(e.highest, e.first));
    if (picture > e.highest) {
      advance_to(picture, Status::mapped);
      const std::int64_t out = picture - e.offset;
      const Vp8PictureFields result = with(out, e);
      s.highest_out = out;
      s.tl0_out = result.tl0_picture_index;
      s.started = true;
      return result;
    }
    if (const auto out = find(e, ring_of_present(), picture)) return with(*out, e);
  }
  if (source == s.previous.source && s.previous.source.valid()) {
    const std::int64_t picture = extend_picture_id(fields, s.previous.highest);
    if (const auto out = find(s.previous, ring_of_previous(), picture)) return with(*out, s.previous);
  }
  return std::nullopt;
}

void Vp8Rewriter::skip(const MediaSource& source, Vp8PictureFields fields) noexcept {
  Vp8RewriterState& s = *state_;
  Vp8Epoch& e = s.present;
  if (!(source == e.source) || !source.valid()) return;
  const std::int64_t picture = extend_picture_id(fields, std::max(e.highest, e.first));
  if (picture > e.highest) {
    advance_to(picture, Status::skipped);
    ++e.offset;
    e.offset_from = picture;
    // Pictures that went missing just before it hold ids that the next source must not get.
    if (s.started) {
      s.highest_out = std::max(s.highest_out, picture - e.offset);
      s.tl0_out = static_cast<std::uint8_t>(fields.tl0_picture_index - e.tl0_offset);
    }
    return;
  }
  Picture& known = ring_of_present()[place_of(picture)];
  if (known.status == Status::lost && known.source_low == static_cast<std::uint32_t>(picture))
    known.status = Status::skipped;
}

std::uint32_t Vp8Rewriter::to_tag(Vp8PictureFields fields) noexcept {
  return tag_present | (fields.wide ? tag_wide : 0U) | std::uint32_t{fields.picture_id} << 8U | fields.tl0_picture_index;
}

std::optional<Vp8PictureFields> Vp8Rewriter::from_tag(std::uint32_t tag) noexcept {
  if ((tag & tag_present) == 0) return std::nullopt;
  return Vp8PictureFields{static_cast<std::uint16_t>(tag >> 8U & 0x7fffU), static_cast<std::uint8_t>(tag & 0xffU),
                          (tag & tag_wide) != 0};
}

}  // namespace sluice
