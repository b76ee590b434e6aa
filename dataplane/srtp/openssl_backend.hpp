#pragma once

#include "dataplane/srtp/srtp_backend.hpp"

namespace sluice {

/// The portable backend: OpenSSL, one packet after the other. Cipher contexts keep their expanded key and only get a new IV
/// per packet; HMAC-SHA1 starts from precomputed inner and outer states.
class OpensslSrtpBackend final : public SrtpBackend {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "openssl"; }
  [[nodiscard]] std::unique_ptr<SealingContext> make_sealing_context(const SessionKeys& keys) override;
  [[nodiscard]] std::unique_ptr<OpeningContext> make_opening_context(const SessionKeys& keys) override;
  void seal(std::span<SealJob> jobs) noexcept override;
  void open(std::span<OpenJob> jobs) noexcept override;
};

}  // namespace sluice
