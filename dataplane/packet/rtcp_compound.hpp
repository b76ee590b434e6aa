#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/packet/rtcp_packet.hpp"
#include "shm/types/byte_order.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/result.hpp"

namespace sluice {

enum class RtcpError : std::uint8_t {
  too_short,    // no whole header
  bad_version,  // not 2
  bad_type,     // not 192..223 (RFC 5761 section 4)
  bad_length,   // the packets do not fill the datagram exactly
  bad_padding,  // of no byte, or of more than the packet holds
  bad_body      // a packet of a known type whose content does not fit its length
};

/// The packets of one RTCP datagram in the clear. Validity is RFC 3550 appendix A.2 relaxed by RFC 5506: any packet may come
/// first (reduced size). parse() checks every packet, so iteration cannot fail. Borrows the bytes.
class RtcpCompound {
 public:
  [[nodiscard]] static Result<RtcpCompound, RtcpError> parse(Bytes datagram) noexcept;

  /// Calls `visit(const RtcpPacket&)` for each packet in order.
  template <typename Visit>
  void for_each(Visit&& visit) const noexcept {
    ByteReader reader(bytes_);
    while (reader.remaining() > 0) {
      const Result<RtcpPacket, RtcpError> packet = read_packet(reader);
      if (!packet) return;
      visit(*packet);
    }
  }

 private:
  explicit RtcpCompound(Bytes datagram) noexcept : bytes_(datagram) {}
  static Result<RtcpPacket, RtcpError> read_packet(ByteReader& reader) noexcept;
  Bytes bytes_;
};

}  // namespace sluice
