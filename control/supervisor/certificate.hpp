#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "shm/descriptors/descriptor.hpp"

namespace sluice::supervisor {

/// The one DTLS certificate of a server's life (hardening.md section 4): made at each start, never written to a disk.
struct ServerCertificate {
  /// A sealed memfd with certificate and private key, for the handshaker only. This process never maps or reads it.
  Descriptor file;
  /// SHA-256 over the certificate's DER form as in SDP (RFC 8122 section 5): "AB:CD:...", 95 characters. Public.
  std::string fingerprint;
};

/// Lets `handshaker --make-certificate` make one, so that the key is never in this process. Throws StartError.
/// `confinement` is added to its command line.
[[nodiscard]] ServerCertificate make_server_certificate(const std::filesystem::path& handshaker,
                                                        std::vector<std::string> confinement = {});

}  // namespace sluice::supervisor
