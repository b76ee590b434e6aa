// uses: dataplane_packet
// Whole RTCP datagrams; everything that the views offer is read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <variant>

#include "dataplane/packet/rtcp_compound.hpp"

namespace {

using namespace sluice;

struct ReadAll {
  std::uint64_t sum = 0;
  void blocks(const ReportBlocks& list) {
    for (std::size_t i = 0; i < list.size(); ++i) sum += list[i].jitter;
  }
  void operator()(const SenderReport& packet) { blocks(packet.blocks); }
  void operator()(const ReceiverReport& packet) { blocks(packet.blocks); }
  void operator()(const SourceDescription& packet) {
    packet.for_each_cname([&](Ssrc, std::string_view text) {
      for (const char c : text) sum += static_cast<unsigned char>(c);
    });
  }
  void operator()(const Goodbye& packet) {
    for (std::size_t i = 0; i < packet.size(); ++i) sum += packet[i].value;
  }
  void operator()(const Nack& packet) {
    if (packet.for_each_lost([&](SequenceNumber number) { sum += number.value; }) > Nack::sequences_max) std::abort();
  }
  void operator()(const TransportFeedback& packet) {
    std::size_t told = 0;
    packet.for_each([&](const PacketStatus&) { ++told; });
    if (told != packet.status_count) std::abort();
  }
  void operator()(const PictureLoss& packet) { sum += packet.media.value; }
  void operator()(const FullIntraRequest& packet) {
    for (std::size_t i = 0; i < packet.size(); ++i) sum += packet[i].sequence;
  }
  void operator()(const ReceiverEstimate& packet) {
    if (packet.bitrate.bits_per_second < 0) std::abort();
    for (std::size_t i = 0; i < packet.size(); ++i) sum += packet[i].value;
  }
  void operator()(const UnknownRtcp& packet) { sum += packet.packet_type; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto compound = RtcpCompound::parse(std::as_bytes(std::span(data, size)));
  if (!compound) return 0;
  ReadAll read;
  std::size_t packets = 0;
  compound->for_each([&](const RtcpPacket& packet) {
    std::visit(read, packet);
    ++packets;
  });
  if (packets == 0 || packets > size / 4) std::abort();
  return 0;
}
