#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "shm/region/region.hpp"
#include "shm/region/segment_header.hpp"

namespace sluice {

/// A struct that is a whole segment: it begins with `SegmentHeader header`, all-zero bytes are its empty state, and it
/// says what it is. The size in the identity is filled in from sizeof.
template <typename L>
concept SegmentLayout = SharedLayout<L> && requires(L& layout) {
  { layout.header } -> std::same_as<SegmentHeader&>;
  { L::segment_kind } -> std::convertible_to<SegmentKind>;
  { L::segment_major } -> std::convertible_to<std::uint16_t>;
  { L::segment_minor } -> std::convertible_to<std::uint16_t>;
  { L::segment_layout_hash } -> std::convertible_to<std::uint64_t>;
};

/// A region seen as one `Layout`. Move-only; the layout's address does not change when this object moves.
template <SegmentLayout Layout>
class TypedSegment {
 public:
  [[nodiscard]] static constexpr SegmentIdentity identity() noexcept {
    return {Layout::segment_kind, Layout::segment_major, Layout::segment_minor, Layout::segment_layout_hash, sizeof(Layout)};
  }

  /// A new region with a ready segment. `initialise(Layout&)` runs on zeroed memory before readiness is published.
  template <typename Initialise>
  [[nodiscard]] static Result<TypedSegment, RegionError> create(const char* label, std::uint64_t incarnation,
                                                                Initialise&& initialise) {
    auto region = Region::create(label, sizeof(Layout));
    if (!region) return unexpected(region.error());
    TypedSegment segment(std::move(*region));
    segment.format(incarnation, std::forward<Initialise>(initialise));
    return segment;
  }
  [[nodiscard]] static Result<TypedSegment, RegionError> create(const char* label, std::uint64_t incarnation) {
    return create(label, incarnation, [](Layout&) {});
  }

  /// Maps a ready segment behind `fd` (borrowed) after checking its header.
  [[nodiscard]] static Result<TypedSegment, RegionError> attach(int fd, Access access = Access::read_write) {
    auto region = Region::map(fd, access);
    if (!region) return unexpected(region.error());
    if (auto checked = check_segment(std::as_const(*region).bytes(), identity()); !checked)
      return unexpected(checked.error());
    return TypedSegment(std::move(*region));
  }

  /// Like attach(), but formats a region that was never made ready: one that its holder created blank, without knowing
  /// the layout, or whose creator died before it was done. `formatted` (optional) tells which.
  template <typename Initialise>
  [[nodiscard]] static Result<TypedSegment, RegionError> attach_or_format(int fd, std::uint64_t incarnation,
                                                                          Initialise&& initialise,
                                                                          bool* formatted = nullptr) {
    auto region = Region::map(fd, Access::read_write);
    if (!region) return unexpected(region.error());
    if (region->bytes().size() < sizeof(Layout)) {
      return unexpected(RegionError{RegionFault::too_small, 0, region->bytes().size(), sizeof(Layout)});
    }
    TypedSegment segment(std::move(*region));
    const bool blank = segment_is_unready(segment->header);
    if (formatted != nullptr) *formatted = blank;
    if (blank) {
      if (auto cleared = segment.region_.clear(); !cleared) return unexpected(cleared.error());
      segment.format(incarnation, std::forward<Initialise>(initialise));
      return segment;
    }
    if (auto checked = check_segment(std::as_const(segment.region_).bytes(), identity()); !checked) {
      return unexpected(checked.error());
    }
    return segment;
  }
  [[nodiscard]] static Result<TypedSegment, RegionError> attach_or_format(int fd, std::uint64_t incarnation,
                                                                          bool* formatted = nullptr) {
    return attach_or_format(fd, incarnation, [](Layout&) {}, formatted);
  }

  [[nodiscard]] Layout& operator*() noexcept { return *layout(); }
  [[nodiscard]] const Layout& operator*() const noexcept { return *layout(); }
  [[nodiscard]] Layout* operator->() noexcept { return layout(); }
  [[nodiscard]] const Layout* operator->() const noexcept { return layout(); }
  [[nodiscard]] Region& region() noexcept { return region_; }
  [[nodiscard]] int fd() const noexcept { return region_.fd(); }
  [[nodiscard]] std::uint64_t incarnation() const noexcept { return layout()->header.incarnation; }

 private:
  explicit TypedSegment(Region region) noexcept : region_(std::move(region)) {}
  template <typename Initialise>
  void format(std::uint64_t incarnation, Initialise&& initialise) {
    describe_segment(layout()->header, identity(), incarnation);
    initialise(*layout());
    publish_segment(layout()->header);
  }
  // The bytes came into being in another process or as zero pages, which are valid values of every SharedLayout of ours;
  // the language has no name for that, so the one cast is here.
  [[nodiscard]] Layout* layout() const noexcept {
    static_assert(offsetof(Layout, header) == 0);
    return std::launder(reinterpret_cast<Layout*>(const_cast<std::byte*>(region_.bytes().data())));
  }
  Region region_;
};

}  // namespace sluice
