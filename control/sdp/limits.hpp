#pragma once

#include <cstddef>

namespace sluice::sdp {

/// What a description may hold. Far above what browsers send (Chromium: about 5 KiB and 45 formats for each video line), far
/// below what hurts; more is refused, never truncated.
struct Limits {
  std::size_t bytes_max = 512 * 1024;
  std::size_t media_max = 256;
  std::size_t formats_max = 64;      // per m-line
  std::size_t extensions_max = 32;   // per m-line
  std::size_t layers_max = 3;        // simulcast streams per m-line and direction
  std::size_t ssrcs_max = 64;        // per m-line
  std::size_t candidates_max = 64;   // per m-line
  std::size_t feedback_max = 512;    // a=rtcp-fb per m-line
  std::size_t fingerprints_max = 8;  // per section
  std::size_t groups_max = 16;
};

}  // namespace sluice::sdp
