// uses: dataplane_packet
// A header extension block (the first two bytes are its profile): walking, finding, every codec, and writing it again.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "dataplane/packet/extension_block.hpp"
#include "dataplane/packet/header_extension.hpp"
#include "dataplane/packet/rtp_header_writer.hpp"
#include "dataplane/packet/rtp_packet.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  if (size < 2) return 0;
  const Bytes input = std::as_bytes(std::span(data, size));
  const ExtensionBlock block(load_u16(input, 0), input.subspan(2));
  RtpHeaderWriter writer(RtpHeader{.payload_type = {96}, .sequence_number = {1}, .timestamp = 1, .ssrc = {1}});
  std::array<Bytes, 256> first_of_id{};
  block.for_each([&](const ExtensionElement& element) {
    if (element.offset + element.data.size() > size - 2) std::abort();
    (void)parse_sdes_text(element.data);
    (void)parse_audio_level(element.data);
    (void)parse_transport_sequence_number(element.data);
    (void)parse_abs_send_time(element.data);
    (void)parse_video_orientation(element.data);
    (void)parse_playout_delay(element.data);
    if (block.find(element.id).id != element.id) std::abort();
    if (first_of_id[element.id].data() == nullptr) {
      first_of_id[element.id] = element.data;
      writer.add(element.id, element.data);
    }
  });
  (void)block.valid();
  std::array<std::byte, 5000> out;
  const auto layout = writer.write(out);
  if (!layout) return 0;  // more elements than the writer takes
  const auto packet = RtpPacket::parse(MutableBytes(out).first(layout->header_size));
  if (!packet) std::abort();
  for (std::size_t id = 1; id < first_of_id.size(); ++id) {
    const Bytes found = packet->extension(static_cast<std::uint8_t>(id));
    if (found.size() != first_of_id[id].size()) std::abort();
  }
  return 0;
}
