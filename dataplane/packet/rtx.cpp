#include "dataplane/packet/rtx.hpp"

#include <cstring>

#include "shm/types/byte_order.hpp"

namespace sluice {

std::optional<SequenceNumber> rtx_original_sequence_number(Bytes rtx_payload) noexcept {
  if (rtx_payload.size() < rtx_osn_size) return std::nullopt;
  return SequenceNumber{load_u16(rtx_payload, 0)};
}

std::optional<std::size_t> rtx_decapsulate(const RtpPacket& packet, Ssrc original_ssrc, PayloadType original_type) noexcept {
  const std::optional<SequenceNumber> original = rtx_original_sequence_number(packet.payload());
  if (!original) return std::nullopt;
  RtpPacket view = packet;
  const MutableBytes behind_osn = packet.bytes().subspan(packet.header_size() + rtx_osn_size);
  if (!behind_osn.empty()) std::memmove(behind_osn.data() - rtx_osn_size, behind_osn.data(), behind_osn.size());
  view.set_sequence_number(*original);
  view.set_ssrc(original_ssrc);
  view.set_payload_type(original_type);
  return packet.size() - rtx_osn_size;
}

std::optional<std::size_t> rtx_encapsulate(MutableBytes out, SequenceNumber original, Bytes payload) noexcept {
  ByteWriter writer(out);
  if (payload.size() + rtx_osn_size > out.size()) return std::nullopt;
  writer.u16(original.value);
  const MutableBytes room = writer.claim(payload.size());
  if (!payload.empty()) std::memcpy(room.data(), payload.data(), payload.size());
  return writer.size();
}

}  // namespace sluice
