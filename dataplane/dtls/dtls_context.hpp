#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "dataplane/dtls/certificate.hpp"

namespace sluice {

/// What all associations of a process share: certificate and policy (RFC 8827 section 6.5, RFC 5763, RFC 5764). DTLS 1.2
/// only; ECDHE with X25519 or P-256, ECDSA, AES-GCM; SRTP profiles AEAD_AES_128_GCM, AES128_CM_SHA1_80, AEAD_AES_256_GCM in
/// this order; the peer must show a certificate; no renegotiation, resumption, tickets or compression.
class DtlsContext {
 public:
  /// Throws std::runtime_error if OpenSSL refuses the certificate or any setting.
  explicit DtlsContext(const Certificate& certificate);
  [[nodiscard]] SSL_CTX* ssl_context() const noexcept { return context_.get(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
};

}  // namespace sluice
