#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shm/types/bytes.hpp"
#include "shm/types/kind.hpp"
#include "shm/types/time.hpp"

namespace sluice::load {

using CertificateHash = std::array<std::uint8_t, 32>;  ///< SHA-256

/// The certificate that all peers of a run show, and the DTLS policy: version 1.2, one SRTP profile.
class DtlsIdentity {
 public:
  /// Throws std::runtime_error if OpenSSL fails.
  explicit DtlsIdentity(SrtpProfile profile);
  [[nodiscard]] SSL_CTX* context() const noexcept { return context_.get(); }
  [[nodiscard]] SrtpProfile profile() const noexcept { return profile_; }
  /// As in a=fingerprint: "AB:CD:…".
  [[nodiscard]] const std::string& fingerprint() const noexcept { return fingerprint_; }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  SrtpProfile profile_;
  std::string fingerprint_;
};

struct DtlsKeys {
  std::vector<std::byte> send;     ///< master key, then salt: of the client
  std::vector<std::byte> receive;  ///< of the server
};

/// One DTLS client over datagrams. `send` is called with each datagram to send.
class DtlsClient {
 public:
  enum class State : std::uint8_t { handshaking, connected, failed, closed };
  using Send = std::function<void(Bytes)>;

  /// `identity` outlives it. `expected`: the hash of the server's certificate, from the answer.
  DtlsClient(const DtlsIdentity& identity, const CertificateHash& expected, Send send);

  void start();
  void on_datagram(Bytes datagram);
  void on_timeout();
  /// When on_timeout() is due; `never` when connected.
  [[nodiscard]] TimePoint next_deadline(TimePoint now) const;
  [[nodiscard]] State state() const noexcept { return state_; }
  /// Why it failed, for people.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  /// Only while connected (RFC 5764 section 4.2).
  [[nodiscard]] std::optional<DtlsKeys> export_keys() const;

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  void advance();
  void finish();
  void flush();
  void fail(std::string why);

  const DtlsIdentity& identity_;
  CertificateHash expected_;
  Send send_;
  std::unique_ptr<SSL, Free> ssl_;
  State state_ = State::handshaking;
  std::string failure_;
};

}  // namespace sluice::load
