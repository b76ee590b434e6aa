#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "dataplane/rtp/media_source.hpp"

namespace sluice {

/// The fields of a VP8 payload descriptor that are rewritten (RFC 7741 section 4.2).
struct Vp8PictureFields {
  std::uint16_t picture_id = 0;  ///< 15 bits
  std::uint8_t tl0_picture_index = 0;
  bool wide = true;  ///< the id has 15 bits on the wire; else only the low 7 count
  friend constexpr bool operator==(Vp8PictureFields, Vp8PictureFields) = default;
};

/// How one source's pictures map to outgoing ones.
struct Vp8Epoch {
  MediaSource source;
  std::int64_t first = 0;        ///< extended picture id of its first picture
  std::int64_t highest = 0;      ///< extended source picture id: mapped or skipped
  std::int64_t offset = 0;       ///< outgoing = source - offset, for pictures after `offset_from`
  std::int64_t offset_from = 0;  ///< last skipped picture, or first - 1
  std::uint8_t tl0_offset = 0;   ///< outgoing = source - offset, modulo 256
  std::uint8_t reserved[7] = {};
};

/// Survives in the recovery segment. All-zero: nothing sent.
struct Vp8RewriterState {
  Vp8Epoch present;
  Vp8Epoch previous;
  std::int64_t highest_out = 0;  ///< extended outgoing picture id
  std::uint8_t tl0_out = 0;      ///< of the newest outgoing picture
  bool started = false;
  std::uint8_t reserved[6] = {};
};
static_assert(std::is_standard_layout_v<Vp8RewriterState> && std::is_trivially_copyable_v<Vp8RewriterState>);

/// Keeps picture id and TL0PICIDX of one subscription continuous over changes of source and over dropped temporal layers:
/// receivers wait for every picture id between two pictures that depend on each other, so what we leave out must leave no
/// gap, while what the network lost must. Packets of one picture always get the same fields; late ones find them in a ring
/// of the last 128 pictures of the present and the previous source (2 x 1 KiB, losable).
class Vp8Rewriter {
 public:
  static constexpr std::size_t pictures_kept = 128;

  /// Goes on from a filled state.
  explicit Vp8Rewriter(Vp8RewriterState& state);

  /// `source` fills the subscription, beginning with the picture `first` (a key frame). A random first outgoing id is not
  /// needed: the first source's own ids are kept.
  void begin_source(const MediaSource& source, Vp8PictureFields first) noexcept;
  /// The fields of a packet of that picture on the outgoing side; nothing when the picture was skipped, is of no source
  /// known or too old to tell.
  std::optional<Vp8PictureFields> map(const MediaSource& source, Vp8PictureFields fields) noexcept;
  /// Leaves a picture of the present source out. To be called for each of its packets; later calls do nothing.
  void skip(const MediaSource& source, Vp8PictureFields fields) noexcept;

  /// Brings the places of this picture and the next one into the cache.
  void prefetch_next() const noexcept;

  /// Packs fields for StreamRewriter's memory (never 0) and unpacks them; nothing from a tag of 0.
  [[nodiscard]] static std::uint32_t to_tag(Vp8PictureFields fields) noexcept;
  [[nodiscard]] static std::optional<Vp8PictureFields> from_tag(std::uint32_t tag) noexcept;

 private:
  enum class Status : std::uint8_t { unknown, lost, mapped, skipped };
  struct Picture {
    std::uint32_t source_low = 0;
    std::uint16_t out = 0;
    Status status = Status::unknown;
  };
  using Ring = std::array<Picture, pictures_kept>;
  [[nodiscard]] Ring& ring_of_present() noexcept { return rings_[present_ring_]; }
  [[nodiscard]] Ring& ring_of_previous() noexcept { return rings_[1 - present_ring_]; }
  /// Makes `picture` the highest of the present source; those in between are lost so far.
  void advance_to(std::int64_t picture, Status status) noexcept;
  [[nodiscard]] static std::optional<std::int64_t> find(const Vp8Epoch& epoch, Ring& ring, std::int64_t picture) noexcept;

  Vp8RewriterState* state_;
  std::vector<Ring> rings_;  // two: present and previous
  std::size_t present_ring_ = 0;
};

}  // namespace sluice
