#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "dataplane/srtp/hmac_sha1.hpp"
#include "dataplane/srtp/session_keys.hpp"
#include "dataplane/srtp/srtp_backend.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// One set of session keys in one direction, ready in OpenSSL's form. The packet layouts are in the .cpp.
class OpensslPacketCipher {
 public:
  enum class Direction : std::uint8_t { seal, open };
  OpensslPacketCipher(SrtpProfile profile, const SessionKeySet& keys, Direction direction);

  /// Writes the sealed packet into job.out; its ticket was spent by the caller.
  [[nodiscard]] Result<std::size_t, SrtpError> seal(const SealJob& job) noexcept;
  /// Decrypts job.packet in place.
  [[nodiscard]] Result<std::size_t, SrtpError> open(const OpenJob& job) noexcept;

 private:
  struct ContextFree {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }  // wipes its keys
  };
  [[nodiscard]] bool is_gcm() const noexcept { return !hmac_.has_value(); }
  [[nodiscard]] bool start(Ssrc ssrc, std::uint64_t index) noexcept;
  [[nodiscard]] bool update(Bytes in, std::byte* out) noexcept;
  [[nodiscard]] bool authenticate_only(Bytes in) noexcept;
  [[nodiscard]] bool encrypt_parts(const SealJob& job) noexcept;
  [[nodiscard]] Result<std::size_t, SrtpError> open_gcm(const OpenJob& job) noexcept;
  [[nodiscard]] Result<std::size_t, SrtpError> open_cm(const OpenJob& job) noexcept;

  std::unique_ptr<EVP_CIPHER_CTX, ContextFree> context_;
  std::optional<HmacSha1> hmac_;
  std::array<std::byte, 14> salt_;
  SrtpProfileSizes sizes_;
};

}  // namespace sluice
