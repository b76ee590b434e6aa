#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/types/time.hpp"

namespace sluice {

/// What one peer may cost us.
struct DtlsLimits {
  /// From the first ClientHello seen or sent until both sides are done.
  static constexpr Duration handshake_time = std::chrono::seconds(10);
  static constexpr std::size_t handshake_message_bytes_max = 16 * 1024;
  static constexpr std::size_t certificate_bytes_max = 8 * 1024;
  /// Messages of one handshake that may be in pieces at once, and pieces in all: seven retransmissions of the largest
  /// certificate in 1,200-byte pieces are 49.
  static constexpr unsigned fragmented_messages_max = 8;
  static constexpr unsigned fragments_max = 128;
  /// A full handshake has at most 7 messages a side; renegotiation, which would count on, is refused.
  static constexpr unsigned message_sequence_max = 32;
  /// What we send: fits every path that WebRTC works on.
  static constexpr std::size_t datagram_bytes_max = 1200;
  /// Below the 1 s of RFC 6347 section 4.2.4.1, because ICE has already shown that the path works; a lost flight would
  /// otherwise show as a second of black. Doubles up to the maximum.
  static constexpr Duration retransmission_first = std::chrono::milliseconds(200);
  static constexpr Duration retransmission_max = std::chrono::seconds(2);
};

}  // namespace sluice
