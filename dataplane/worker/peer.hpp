#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/transport/transport.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Where the DTLS association of a transport stands with the handshaker.
enum class AssociationState : std::uint8_t {
  none,     ///< not asked for: ICE proved no tuple yet, or an attempt failed
  opening,  ///< asked for, but the ring was full: to be repeated
  open,     ///< the handshaker has it
};

/// One transport and what the worker keeps around it. Losable: a successor makes it from the record.
struct Peer {
  Peer(TimePoint now, const TransportSpec& spec, TransportRecord& record, TransportSurroundings& surroundings)
      : transport(now, spec, record, surroundings), created(now), live_due(now) {}

  Transport transport;
  AssociationState association = AssociationState::none;
  TimePoint association_due = never;  ///< when to repeat the open
  TimePoint attempt_not_before;       ///< after a failure: a peer cannot keep the handshaker busy
  std::optional<Tuple> dtls_from;     ///< where the last DTLS datagram came from
  TimePoint dtls_second;              ///< start of the second that dtls_count counts
  std::uint32_t dtls_count = 0;
  TimePoint created;
  TimePoint paths_due;   ///< when whoever relays to us is told the paths again
  TimePoint live_due;    ///< when the live rows are written next
  Ufrag previous_ufrag;  ///< still in the ufrag table, for checks that are under way (ICE restart)
};

}  // namespace sluice
