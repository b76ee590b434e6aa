#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/dtls/fingerprint.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {

/// Our DTLS certificate with its key: self-signed ECDSA P-256, one for each start of the supervisor. Peers know it by the
/// fingerprint in the SDP, so name and validity mean nothing to them.
class Certificate {
 public:
  /// A new key and certificate, valid from a day before `now` (clocks differ) for ten years (a supervisor may run that long,
  /// and nobody checks). Takes about 0.2 ms. Throws std::runtime_error if OpenSSL refuses.
  [[nodiscard]] static Certificate generate(std::chrono::sys_seconds now);
  /// From what serialize() wrote. Nothing if it is damaged or if key and certificate do not belong together.
  [[nodiscard]] static std::optional<Certificate> parse(Bytes serialized);

  /// For the sealed memfd that only the handshaker gets: contains the private key, so wipe it after use.
  [[nodiscard]] std::vector<std::byte> serialize() const;
  [[nodiscard]] std::vector<std::byte> certificate_der() const;
  [[nodiscard]] Fingerprint fingerprint() const { return Fingerprint::of(certificate_der()); }

  /// OpenSSL's objects, borrowed.
  [[nodiscard]] X509* x509() const noexcept { return x509_.get(); }
  [[nodiscard]] EVP_PKEY* key() const noexcept { return key_.get(); }

 private:
  struct Free {
    void operator()(X509* x509) const noexcept { X509_free(x509); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }  // wipes it
  };
  Certificate() = default;
  std::unique_ptr<X509, Free> x509_;
  std::unique_ptr<EVP_PKEY, Free> key_;
};

}  // namespace sluice
