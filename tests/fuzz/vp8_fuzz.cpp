// uses: dataplane_packet
// VP8 payload descriptors: rewriting must keep everything else.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "dataplane/packet/vp8_descriptor.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const Bytes input = std::as_bytes(std::span(data, size));
  const auto descriptor = Vp8Descriptor::parse(input);
  if (!descriptor) return 0;
  if (descriptor->size >= size) std::abort();
  std::vector<std::byte> payload(input.begin(), input.end());
  descriptor->rewrite_picture_id(payload, 0x55aa);
  descriptor->rewrite_tl0_picture_index(payload, 0x77);
  const auto again = Vp8Descriptor::parse(payload);
  if (!again || again->size != descriptor->size || again->temporal_id != descriptor->temporal_id ||
      again->key_frame != descriptor->key_frame)
    std::abort();
  if (again->picture_id && *again->picture_id != (again->picture_id_is_15_bits ? 0x55aa : 0x2a)) std::abort();
  if (again->tl0_picture_index && *again->tl0_picture_index != 0x77) std::abort();
  return 0;
}
