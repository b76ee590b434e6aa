#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "dataplane/dtls/datagram_bio.hpp"
#include "dataplane/dtls/dtls_context.hpp"
#include "dataplane/dtls/fingerprint.hpp"
#include "dataplane/dtls/record_filter.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/kind.hpp"
#include "shm/types/result.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Who sends the ClientHello (RFC 5763 section 5): the server is the passive side.
enum class DtlsRole : std::uint8_t { server = 0, client = 1 };

enum class DtlsState : std::uint8_t {
  idle,         // server: no datagram came; client: not started
  handshaking,  // bounded by DtlsLimits::handshake_time
  connected,    // keys can be exported; answers repeated final flights and alerts
  closed,       // close_notify or a fatal alert after connected, from either side
  failed,       // never was connected and never will be
};

enum class DtlsFailure : std::uint8_t { none, protocol, fingerprint_mismatch, no_srtp_profile, timeout };

/// Why a datagram was dropped before OpenSSL saw it.
enum class DtlsDrop : std::uint8_t { malformed, over_limit, not_open };

/// What DTLS gives SRTP (RFC 5764 section 4.2): `local` for what we seal, `remote` for what we open. Wipes itself.
struct DtlsSrtpKeys {
  SrtpProfile profile = SrtpProfile::none;
  std::size_t size = 0;  // of each
  std::array<std::byte, 46> local{};
  std::array<std::byte, 46> remote{};

  DtlsSrtpKeys() = default;
  DtlsSrtpKeys(const DtlsSrtpKeys&) = default;
  DtlsSrtpKeys& operator=(const DtlsSrtpKeys&) = default;
  ~DtlsSrtpKeys();
  /// Key then salt.
  [[nodiscard]] Bytes local_key_salt() const noexcept { return Bytes(local).first(size); }
  [[nodiscard]] Bytes remote_key_salt() const noexcept { return Bytes(remote).first(size); }
};

struct DtlsDatagram {
  std::vector<std::byte> bytes;  // at most DtlsLimits::datagram_bytes_max
};
struct DtlsConnected {};
struct DtlsFailed {
  DtlsFailure reason;
};
struct DtlsClosed {};
using DtlsOutput = std::variant<DtlsDatagram, DtlsConnected, DtlsFailed, DtlsClosed>;

/// One DTLS-SRTP association with one peer, over datagrams and given time; OpenSSL inside (its clock is tamed in
/// DatagramBio). The caller passes only datagrams of a tuple that ICE validated. The peer's certificate is compared with
/// the signalled fingerprint inside the handshake, and again before connected: without a match there are no keys.
/// A handshake step takes up to 0.4 ms, so this does not run on a forwarding thread.
class DtlsAssociation {
 public:
  /// `context` outlives the association. Throws std::runtime_error if OpenSSL has no memory.
  DtlsAssociation(const DtlsContext& context, DtlsRole role, const Fingerprint& peer);
  DtlsAssociation(const DtlsAssociation&) = delete;
  DtlsAssociation& operator=(const DtlsAssociation&) = delete;
  ~DtlsAssociation();

  /// Client: sends the ClientHello. Server: nothing, its handshake starts with the first datagram.
  void start(TimePoint now);
  /// One datagram of the peer. Errors are datagrams that were dropped without effect.
  Result<void, DtlsDrop> handle_datagram(TimePoint now, Bytes datagram);
  /// Retransmits, or gives the handshake up. Early calls do nothing.
  void handle_timeout(TimePoint now);
  /// Sends close_notify if connected and forgets the keys. Not followed by DtlsClosed.
  void close(TimePoint now);
  /// Drain after each call. Datagrams come before the event that they led to.
  [[nodiscard]] std::optional<DtlsOutput> poll_output();
  [[nodiscard]] TimePoint next_deadline() const noexcept;

  [[nodiscard]] DtlsState state() const noexcept { return state_; }
  [[nodiscard]] DtlsRole role() const noexcept { return role_; }
  /// Only while connected; may be called again, with the same result.
  [[nodiscard]] std::optional<DtlsSrtpKeys> export_keys() const;

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  friend class DtlsContext;  // its callbacks end in these two
  [[nodiscard]] bool accept_certificate(Bytes der);
  void set_timer_duration(Duration duration) noexcept { bio_.set_timer_duration(duration); }

  void begin(TimePoint now) noexcept;
  void advance();
  void finish_handshake();
  void read_after_handshake();
  [[nodiscard]] bool peer_is_verified() const;
  void set_state(DtlsState state, DtlsFailure reason = DtlsFailure::none);

  DatagramBio bio_;
  std::unique_ptr<SSL, Free> ssl_;
  RecordFilter filter_;
  Fingerprint peer_;
  DtlsRole role_;
  DtlsState state_ = DtlsState::idle;
  bool verified_ = false;
  bool mismatched_ = false;
  TimePoint give_up_at_ = never;
  std::optional<DtlsOutput> event_;
};

}  // namespace sluice
