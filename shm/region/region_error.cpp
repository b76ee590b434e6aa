#include "shm/region/region_error.hpp"

#include <cstdio>
#include <cstring>

namespace sluice {
namespace {

const char* words_of(RegionFault fault) {
  switch (fault) {
    case RegionFault::create_failed:
      return "the region could not be created";
    case RegionFault::map_failed:
      return "the region could not be mapped";
    case RegionFault::not_sealed:
      return "the region is not sealed against changes of its size";
    case RegionFault::too_small:
      return "the region is too small for its layout";
    case RegionFault::not_ready:
      return "the segment was never made ready";
    case RegionFault::wrong_magic:
      return "the segment's magic differs";
    case RegionFault::wrong_kind:
      return "the segment's kind differs";
    case RegionFault::wrong_layout_hash:
      return "the segment's layout hash differs";
    case RegionFault::wrong_version:
      return "the segment's major version differs";
    case RegionFault::wrong_size:
      return "the segment's size differs";
    case RegionFault::corrupt:
      return "a value in the segment is impossible";
  }
  return "unknown fault";
}

}  // namespace

std::string RegionError::to_string() const {
  std::string text = words_of(fault);
  if (found != expected) {
    char numbers[96];
    std::snprintf(numbers, sizeof(numbers), " (found 0x%llx, expected 0x%llx)", static_cast<unsigned long long>(found),
                  static_cast<unsigned long long>(expected));
    text += numbers;
  }
  if (system_error != 0) {
    text += ": ";
    text += std::strerror(system_error);
  }
  return text;
}

}  // namespace sluice
