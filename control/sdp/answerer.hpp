#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "control/sdp/description.hpp"
#include "control/sdp/negotiation.hpp"
#include "shm/types/address.hpp"
#include "shm/types/ids.hpp"

namespace sluice::sdp {

/// What we send on one m-line; constant for the m-line's life, except for the stream.
struct SendingLine {
  Ssrc ssrc;
  Ssrc rtx_ssrc;       // 0: no RTX
  std::string stream;  // of a=msid; browsers play tracks of one stream in step. Empty: "-", none
  std::string track;
};

/// Our side of a transport.
struct LocalTransport {
  std::string ice_ufrag;
  std::string ice_pwd;
  std::array<std::uint8_t, 32> fingerprint{};  // SHA-256 of our certificate
  std::vector<SocketAddress> addresses;        // most preferred first; one host candidate each
  std::string cname;
  std::uint64_t session_id = 0;  // of o=; the same in all answers of a session, 63 bits (RFC 9429 section 5.2.1)
  std::uint64_t session_version = 0;
};

/// The answer to `offer` as `negotiation` took it (RFC 9429 section 5.3): same m-lines, mids and order; ICE-lite, all
/// candidates in the first accepted m-line. `sending` has an entry for each m-line of the offer; those of m-lines that
/// we do not send on are not looked at.
[[nodiscard]] SessionDescription make_answer(const SessionDescription& offer, const Negotiation& negotiation,
                                             const Capabilities& capabilities, const LocalTransport& local,
                                             const std::vector<SendingLine>& sending);

/// One UDP host candidate for each address, component 1, priorities by RFC 8445 section 5.1.2.1 in the given order.
[[nodiscard]] std::vector<Candidate> host_candidates(const std::vector<SocketAddress>& addresses);

}  // namespace sluice::sdp
