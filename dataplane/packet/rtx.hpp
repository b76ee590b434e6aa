#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/packet/rtp_packet.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/sequence_number.hpp"

namespace sluice {

/// RFC 4588 section 4: the payload of a retransmission begins with the original sequence number (OSN).
inline constexpr std::size_t rtx_osn_size = 2;

/// The OSN of an RTX payload; nothing when it is too short (a padding probe carries none).
[[nodiscard]] std::optional<SequenceNumber> rtx_original_sequence_number(Bytes rtx_payload) noexcept;

/// Turns a received RTX packet back into the original, in place: takes the OSN out (payload and padding move up by two
/// bytes), sets sequence number, SSRC and payload type. Returns the new size of the packet; nothing, and nothing changed,
/// for a packet without an OSN. Parse the packet again afterwards.
[[nodiscard]] std::optional<std::size_t> rtx_decapsulate(const RtpPacket& packet, Ssrc original_ssrc,
                                                         PayloadType original_type) noexcept;

/// Writes OSN and original payload to the front of `out`, which lies behind the RTX header. Returns the bytes written;
/// nothing when there is no room.
[[nodiscard]] std::optional<std::size_t> rtx_encapsulate(MutableBytes out, SequenceNumber original, Bytes payload) noexcept;

}  // namespace sluice
