#pragma once

#include <cstdint>

namespace sluice {

/// Why a packet was not sealed or not opened. Every value has a counter of its own in the worker.
enum class SrtpError : std::uint8_t {
  no_key,            // the association has no keys (yet, or wiped)
  too_short,         // shorter than header, tag and, for SRTCP, index
  malformed,         // not version 2, or a header that does not fit in the packet
  not_encrypted,     // SRTCP without the E bit: our profiles never allow it
  bad_tag,           // authentication failed
  replay,            // this index was opened before
  old,               // behind the replay window, so it may have been opened before
  too_many_streams,  // authentic, but the table of incoming SSRCs is full
  index_used,        // sealing: this (key, SSRC, index) may have encrypted a packet already
  index_exhausted,   // sealing: 2^48 packets or 2^31 SRTCP packets (RFC 3711 section 9.2): new keys are needed
  no_room,           // sealing: `out` is too small
};

}  // namespace sluice
