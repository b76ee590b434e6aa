// uses: dataplane_packet
// Any RTP packet taken for a retransmission: what comes out must be RTP with the same payload behind the OSN.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "dataplane/packet/rtx.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const Bytes input = std::as_bytes(std::span(data, size));
  std::vector<std::byte> bytes(input.begin(), input.end());
  const auto packet = RtpPacket::parse(bytes);
  if (!packet) return 0;
  const std::vector<std::byte> payload(packet->payload().begin(), packet->payload().end());
  const auto original_size = rtx_decapsulate(*packet, {7}, {96});
  if (!original_size) {
    if (payload.size() >= rtx_osn_size) std::abort();
    return 0;
  }
  const auto original = RtpPacket::parse(MutableBytes(bytes).first(*original_size));
  if (!original || original->payload_size() + rtx_osn_size != payload.size()) std::abort();
  std::vector<std::byte> again(payload.size());
  if (rtx_encapsulate(again, original->sequence_number(), original->payload()) != payload.size()) std::abort();
  if (!std::equal(again.begin(), again.end(), payload.begin())) std::abort();
  return 0;
}
