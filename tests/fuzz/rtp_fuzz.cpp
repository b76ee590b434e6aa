// uses: dataplane_packet
// RTP in both ways of parsing; every accessor and setter afterwards.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "dataplane/packet/rtp_packet.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const Bytes input = std::as_bytes(std::span(data, size));
  std::vector<std::byte> bytes(input.begin(), input.end());
  auto header = RtpPacket::parse_header(bytes);
  auto packet = RtpPacket::parse(bytes);
  if (packet && !header) std::abort();
  if (!header) return 0;
  if (header->finish(size).has_value() != packet.has_value()) std::abort();
  if (!packet) return 0;
  if (packet->header_size() + packet->payload_size() + packet->padding_size() != size) std::abort();
  for (std::size_t i = 0; i < packet->csrc_count(); ++i) (void)packet->csrc(i);
  packet->for_each_extension([&](std::uint8_t id, Bytes data_of_element) {
    // The first element of an id is what extension() gives.
    const MutableBytes found = packet->extension(id);
    if (found.data() > data_of_element.data()) std::abort();
    if (!found.empty()) found[0] ^= std::byte{1};
    if (!found.empty()) found[0] ^= std::byte{1};
  });
  packet->set_ssrc({1});
  packet->set_timestamp(2);
  packet->set_sequence_number({3});
  packet->set_payload_type({96});
  packet->set_marker(true);
  const auto again = RtpPacket::parse(bytes);
  if (!again || again->payload_size() != packet->payload_size() || again->ssrc().value != 1) std::abort();
  return 0;
}
