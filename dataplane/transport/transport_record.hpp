#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "dataplane/bwe/send_history.hpp"
#include "dataplane/ice/ice_state.hpp"
#include "dataplane/rtp/source_clock.hpp"
#include "dataplane/srtp/srtp_receiver.hpp"
#include "dataplane/srtp/srtp_sealer.hpp"
#include "dataplane/transport/spec.hpp"
#include "dataplane/transport/ssrc_table.hpp"

namespace sluice {

/// Where one transport stands, in order of life; the numbers of schemas/events.fbs. "Checking" is missing: a lite agent
/// answers at once.
enum class TransportPhase : std::uint8_t {
  waiting,          ///< no authenticated check yet
  ice_connected,    ///< a tuple is nominated; the handshaker did not take the association yet
  dtls_connecting,  ///< the handshake runs
  connected,        ///< keys are here: media flows
  disconnected,     ///< consent expired; comes back with the next nomination
  failed,           ///< the handshake ended without keys; another attempt of the peer may heal it
  closed,           ///< the peer closed the association: final
};

/// Why, as in schemas/events.fbs.
enum class TransportReason : std::uint8_t {
  none,
  consent_expired,
  dtls_failed,
  fingerprint_mismatch,
  dtls_closed,
  handshake_timeout,
  quarantined,  ///< two crashes of the worker were its doing
};

/// What a successor must know of one transport. All zero: an empty slot. Keys store their own commit mark last (SrtpKeys),
/// every counter is stored before the packet that uses it, so no moment leaves a state that would repeat a nonce.
struct TransportRecord {
  std::uint64_t id = 0;  ///< packed TransportId; 0: empty
  IceState ice{};
  SrtpSealerState sealer;
  SrtpReceiverState receiver;
  SsrcTableState ssrcs;
  SendHistoryState send_history;
  PublisherClockState publisher_clock;
  std::uint32_t rtcp_ssrc = 0;  ///< of our own RTCP where no media SSRC of ours speaks
  TransportPhase phase = TransportPhase::waiting;
  TransportReason reason = TransportReason::none;
  std::array<std::uint8_t, 2> reserved{};
  std::uint64_t name = 0;  ///< of the peer as publisher, random: the CNAME of its streams, whatever worker carries them
};
static_assert(std::is_standard_layout_v<TransportRecord> && std::is_trivially_copyable_v<TransportRecord>);

}  // namespace sluice
