// uses: dataplane_packet
// A payload-specific feedback packet around any bytes behind "REMB"; what is read must be written and read to the same.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "dataplane/packet/rtcp_compound.hpp"
#include "dataplane/packet/rtcp_writer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  std::vector<std::byte> packet(16 + size / 4 * 4);
  ByteWriter writer(packet);
  writer.u16(0x8fce);
  writer.u16(static_cast<std::uint16_t>(packet.size() / 4 - 1));
  writer.u64(1U);
  writer.u32(0x52454d42);
  writer.bytes(std::as_bytes(std::span(data, size / 4 * 4)));
  const auto compound = RtcpCompound::parse(packet);
  if (!compound) return 0;
  compound->for_each([&](const RtcpPacket& read) {
    const auto* estimate = std::get_if<ReceiverEstimate>(&read);
    if (estimate == nullptr) return;
    std::vector<Ssrc> sources;
    for (std::size_t i = 0; i < estimate->size(); ++i) sources.push_back((*estimate)[i]);
    std::array<std::byte, 1100> out;
    RtcpWriter rtcp(out);
    if (!rtcp.receiver_estimate({0}, estimate->bitrate, sources)) std::abort();
    const auto again = RtcpCompound::parse(rtcp.written());
    if (!again) std::abort();
    again->for_each([&](const RtcpPacket& second) {
      const auto& value = std::get<ReceiverEstimate>(second);
      if (value.bitrate > estimate->bitrate || value.size() != sources.size()) std::abort();
    });
  });
  return 0;
}
