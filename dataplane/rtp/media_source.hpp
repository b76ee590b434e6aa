#pragma once

#include <cstdint>
#include <type_traits>

#include "shm/types/ids.hpp"

namespace sluice {

/// One incoming stream as a subscription sees it: which publication, which of its simulcast layers, which SSRC. Extended
/// sequence numbers are only comparable within one MediaSource, so a layer that comes back under another SSRC is another
/// source. All-zero names nothing.
struct MediaSource {
  PublicationId publication;
  Ssrc ssrc;
  std::uint8_t layer = 0;  ///< index into the publication's layers, 0 without simulcast
  std::uint8_t reserved[3] = {};
  [[nodiscard]] constexpr bool valid() const noexcept { return publication.valid(); }
  friend constexpr bool operator==(const MediaSource& a, const MediaSource& b) noexcept {
    return a.publication == b.publication && a.ssrc == b.ssrc && a.layer == b.layer;
  }
};
static_assert(sizeof(MediaSource) == 16 && std::is_standard_layout_v<MediaSource> &&
              std::is_trivially_copyable_v<MediaSource>);

}  // namespace sluice
