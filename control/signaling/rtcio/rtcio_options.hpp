#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

/// Limits of contract rtcio.md section 7.
struct RtcioOptions {
  std::size_t room_id_bytes_max = 256;     // longer: `invalid-room`
  std::size_t name_bytes_max = 1024;       // as JSON; a longer name is left out
  std::size_t rooms_per_socket_max = 32;   // more: `join-error`, reason `too-many-rooms`
  std::size_t members_per_room_max = 256;  // more: `join-error`, reason `room-full`
  /// Relayed messages of one socket, averaged over ten seconds; the excess is dropped, and who goes on is disconnected.
  /// 0 = no limit.
  std::uint32_t messages_per_second_max = 100;
  bool require_shared_room = false;  // for envelopes
};

}  // namespace sluice
