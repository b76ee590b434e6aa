#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/bwe/send_history.hpp"
#include "dataplane/packet/rtp_header_writer.hpp"
#include "dataplane/srtp/srtp_sender.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/sequence_number.hpp"

namespace sluice {

/// Header extensions that pass from publisher to subscriber as they came; only the ids change.
struct PassedExtensions {
  static constexpr std::uint8_t none = 0xff;
  std::byte audio_level{none};        ///< RFC 6464; none: absent
  std::byte video_orientation{none};  ///< 3GPP TS 26.114; none: absent
  std::array<std::byte, 3> playout_delay{};
  bool has_playout_delay = false;
};

/// One packet on its way to one subscriber, in the clear: header facts, what is encrypted in front of the shared payload,
/// and the payload, borrowed from the datagram or from the packet cache. With the at-once policy nothing waits longer than
/// that lives; a policy that holds packets back must name them in the cache instead.
struct OutgoingPacket {
  SrtpSender* sender = nullptr;  ///< of the SSRC it goes out under
  ExtendedSequenceNumber sequence;
  RtpHeader header;
  std::string_view mid;
  PassedExtensions extensions;
  std::array<std::byte, 12> prefix{};  ///< RTX's original sequence number, the rewritten VP8 descriptor
  std::uint8_t prefix_size = 0;
  bool transport_cc = false;  ///< the receiver negotiated it for this codec
  Bytes payload;
};

}  // namespace sluice
