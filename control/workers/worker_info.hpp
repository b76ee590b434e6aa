#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "shm/types/address.hpp"
#include "shm/types/ids.hpp"

namespace sluice::workers {

/// SHA-256 of a DER certificate (RFC 8122 section 5), most significant byte first as it is printed.
using CertificateFingerprint = std::array<std::uint8_t, 32>;

/// What clients must be told of one worker to reach it. Comes from the supervisor; constant while the worker's sockets live.
struct WorkerInfo {
  WorkerId id;
  /// Where the worker's UDP sockets are reachable from outside, most preferred first; each with its port.
  std::vector<SocketAddress> announced;
  /// Of the server's one DTLS certificate.
  CertificateFingerprint fingerprint{};
};

}  // namespace sluice::workers
