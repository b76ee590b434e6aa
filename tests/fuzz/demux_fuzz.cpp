// uses: dataplane_packet dataplane_ice
// Any datagram through the first steps of a worker: sorting, and looking for our ufrag.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "dataplane/ice/username.hpp"
#include "dataplane/packet/packet_class.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const Bytes datagram = std::as_bytes(std::span(data, size));
  const PacketClass packet_class = classify(datagram);
  const auto ufrag = parse_username_ufrag(datagram);
  if (ufrag && size <= datagram_size_max && packet_class != PacketClass::stun) std::abort();
  if (ufrag && (ufrag->empty() || ufrag->size() >= size)) std::abort();
  return 0;
}
