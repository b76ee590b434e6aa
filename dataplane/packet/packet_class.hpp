#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/types/bytes.hpp"

namespace sluice {

/// What a datagram on a media port claims to be, by its first two bytes and its length. Nothing is proven yet.
enum class PacketClass : std::uint8_t {
  unknown,  // reserved first byte, ZRTP, TURN channel, QUIC, too short or too long: drop and count
  stun,
  dtls,
  rtp,   // SRTP on the wire
  rtcp,  // SRTCP on the wire
};

/// Larger datagrams are never ours: every sender stays below an Ethernet frame.
inline constexpr std::size_t datagram_size_max = 1500;

/// Sorts a datagram (RFC 7983 section 7, RFC 9443; RTP and RTCP apart by RFC 5761 section 4: payload types 64 to 95 are
/// RTCP). Shorter than the smallest message of its kind (STUN 20, DTLS 13, RTP 12, RTCP 8) or longer than
/// datagram_size_max is `unknown`.
[[nodiscard]] PacketClass classify(Bytes datagram) noexcept;

}  // namespace sluice
