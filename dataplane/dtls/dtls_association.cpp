#include "dataplane/dtls/dtls_association.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "dataplane/dtls/dtls_limits.hpp"

namespace sluice {
namespace {

struct ProfileSizes {
  std::size_t key;
  std::size_t salt;
};

ProfileSizes sizes_of(SrtpProfile profile) noexcept {
  switch (profile) {
    case SrtpProfile::aes128_cm_sha1_80:
      return {16, 14};
    case SrtpProfile::aead_aes_128_gcm:
      return {16, 12};
    case SrtpProfile::aead_aes_256_gcm:
      return {32, 12};
    case SrtpProfile::none:
      break;
  }
  return {0, 0};
}

unsigned next_timeout_us(unsigned previous_us) noexcept {
  using std::chrono::microseconds;
  constexpr auto first =
      static_cast<unsigned>(std::chrono::duration_cast<microseconds>(DtlsLimits::retransmission_first).count());
  constexpr auto longest =
      static_cast<unsigned>(std::chrono::duration_cast<microseconds>(DtlsLimits::retransmission_max).count());
  return previous_us == 0 ? first : std::min(previous_us * 2, longest);
}

}  // namespace

DtlsSrtpKeys::~DtlsSrtpKeys() {
  OPENSSL_cleanse(this, sizeof *this);
}

DtlsAssociation::DtlsAssociation(const DtlsContext& context, DtlsRole role, const Fingerprint& peer)
    : ssl_(SSL_new(context.ssl_context())), peer_(peer), role_(role) {
  if (ssl_ == nullptr) throw std::runtime_error("OpenSSL could not make a DTLS association");
  SSL* const ssl = ssl_.get();
  SSL_set_app_data(ssl, this);
  SSL_set_bio(ssl, bio_.reference(), bio_.bio());  // the same one twice takes one reference
  SSL_set_mtu(ssl, static_cast<long>(DtlsLimits::datagram_bytes_max));
  DTLS_set_timer_cb(ssl, [](SSL* from, unsigned previous_us) {
    const unsigned us = next_timeout_us(previous_us);
    static_cast<DtlsAssociation*>(SSL_get_app_data(from))->set_timer_duration(std::chrono::microseconds(us));
    return us;
  });
  if (role == DtlsRole::server) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
  }
}

// ssl_ goes before bio_, which it uses.
DtlsAssociation::~DtlsAssociation() = default;

void DtlsAssociation::begin(TimePoint now) noexcept {
  state_ = DtlsState::handshaking;
  give_up_at_ = now + DtlsLimits::handshake_time;
}

void DtlsAssociation::start(TimePoint now) {
  if (state_ != DtlsState::idle || role_ != DtlsRole::client) return;
  bio_.set_now(now);
  begin(now);
  advance();
}

Result<void, DtlsDrop> DtlsAssociation::handle_datagram(TimePoint now, Bytes datagram) {
  if (ssl_ == nullptr || (state_ == DtlsState::idle && role_ == DtlsRole::client)) return unexpected(DtlsDrop::not_open);
  switch (filter_.check(datagram)) {
    case RecordFilter::Verdict::malformed:
      return unexpected(DtlsDrop::malformed);
    case RecordFilter::Verdict::over_limit:
      return unexpected(DtlsDrop::over_limit);
    case RecordFilter::Verdict::pass:
      break;
  }
  bio_.set_now(now);
  bio_.give(datagram);
  if (state_ == DtlsState::idle) begin(now);
  advance();
  return {};
}

void DtlsAssociation::handle_timeout(TimePoint now) {
  if (ssl_ == nullptr) return;
  bio_.set_now(now);
  if (state_ == DtlsState::handshaking && now >= give_up_at_) {
    set_state(DtlsState::failed, DtlsFailure::timeout);
    return;
  }
  if (now < bio_.deadline()) return;
  bio_.expire();
  ERR_clear_error();
  if (DTLSv1_handle_timeout(ssl_.get()) < 0 && state_ == DtlsState::handshaking) {
    set_state(DtlsState::failed, DtlsFailure::timeout);
  }
}

void DtlsAssociation::advance() {
  ERR_clear_error();
  if (state_ == DtlsState::handshaking) {
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
      finish_handshake();
    } else if (const int error = SSL_get_error(ssl_.get(), result);
               error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      set_state(DtlsState::failed, mismatched_ ? DtlsFailure::fingerprint_mismatch : DtlsFailure::protocol);
    }
  }
  if (state_ == DtlsState::connected) read_after_handshake();
}

void DtlsAssociation::finish_handshake() {
  // The callback has judged already; this is for a path that does not lead through it.
  if (!peer_is_verified()) return set_state(DtlsState::failed, DtlsFailure::fingerprint_mismatch);
  const SRTP_PROTECTION_PROFILE* profile = SSL_get_selected_srtp_profile(ssl_.get());
  if (profile == nullptr || sizes_of(static_cast<SrtpProfile>(profile->id)).key == 0) {
    SSL_shutdown(ssl_.get());
    return set_state(DtlsState::failed, DtlsFailure::no_srtp_profile);
  }
  set_state(DtlsState::connected);
}

bool DtlsAssociation::peer_is_verified() const {
  X509* const x509 = SSL_get0_peer_certificate(ssl_.get());
  unsigned char* der = nullptr;
  const int size = x509 == nullptr ? 0 : i2d_X509(x509, &der);
  const bool same =
      size > 0 && Fingerprint::of({reinterpret_cast<const std::byte*>(der), static_cast<std::size_t>(size)}).same_as(peer_);
  OPENSSL_free(der);
  return verified_ && same;
}

bool DtlsAssociation::accept_certificate(Bytes der) {
  verified_ = der.size() <= DtlsLimits::certificate_bytes_max && Fingerprint::of(der).same_as(peer_);
  mismatched_ = !verified_;
  return verified_;
}

void DtlsAssociation::read_after_handshake() {
  // Reading is what makes OpenSSL answer a repeated final flight and see alerts. Application data (SCTP) is not for us: it
  // is read and dropped. A datagram of 1,500 bytes holds at most 50 records.
  std::array<std::byte, 2048> dropped;
  for (int i = 0; i < 64; ++i) {
    ERR_clear_error();
    const int result = SSL_read(ssl_.get(), dropped.data(), static_cast<int>(dropped.size()));
    if (result > 0) continue;
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
      // Most associations never hear of DTLS again: 34 KB of record buffers less for each.
      SSL_free_buffers(ssl_.get());
      return;
    }
    if (error == SSL_ERROR_ZERO_RETURN) SSL_shutdown(ssl_.get());  // answers close_notify with ours
    set_state(DtlsState::closed);
    return;
  }
}

void DtlsAssociation::close(TimePoint now) {
  if (ssl_ == nullptr) return;
  bio_.set_now(now);
  if (state_ == DtlsState::connected) {
    ERR_clear_error();
    // Reading makes OpenSSL allocate the record buffers again that writing takes for granted.
    std::byte none{};
    (void)SSL_peek(ssl_.get(), &none, 1);
    SSL_shutdown(ssl_.get());
  }
  set_state(DtlsState::closed);
  event_.reset();
}

void DtlsAssociation::set_state(DtlsState state, DtlsFailure reason) {
  state_ = state;
  switch (state) {
    case DtlsState::connected:
      give_up_at_ = never;
      event_ = DtlsConnected{};
      return;
    case DtlsState::failed:
      event_ = DtlsFailed{reason};
      break;
    case DtlsState::closed:
      // Connected and closed within one datagram: only the end is news.
      event_ = DtlsClosed{};
      break;
    case DtlsState::idle:
    case DtlsState::handshaking:
      return;
  }
  give_up_at_ = never;
  ssl_.reset();
  bio_.stop_timer();
}

std::optional<DtlsOutput> DtlsAssociation::poll_output() {
  if (auto& sent = bio_.sent(); !sent.empty()) {
    DtlsDatagram datagram{std::move(sent.front())};
    sent.pop_front();
    return datagram;
  }
  return std::exchange(event_, std::nullopt);
}

TimePoint DtlsAssociation::next_deadline() const noexcept {
  return std::min(give_up_at_, bio_.deadline());
}

std::optional<DtlsSrtpKeys> DtlsAssociation::export_keys() const {
  if (state_ != DtlsState::connected) return std::nullopt;
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl_.get());
  if (selected == nullptr) return std::nullopt;
  const auto profile = static_cast<SrtpProfile>(selected->id);
  const auto [key, salt] = sizes_of(profile);

  // client key | server key | client salt | server salt
  constexpr std::string_view label = "EXTRACTOR-dtls_srtp";
  std::array<std::byte, 92> material{};
  const std::size_t size = 2 * (key + salt);
  if (size == 0 || SSL_export_keying_material(ssl_.get(), reinterpret_cast<unsigned char*>(material.data()), size,
                                              label.data(), label.size(), nullptr, 0, 0) != 1) {
    return std::nullopt;
  }
  DtlsSrtpKeys keys;
  keys.profile = profile;
  keys.size = key + salt;
  auto& client = role_ == DtlsRole::client ? keys.local : keys.remote;
  auto& server = role_ == DtlsRole::client ? keys.remote : keys.local;
  const auto take = [&](std::array<std::byte, 46>& side, std::size_t index) {
    std::copy_n(material.begin() + static_cast<std::ptrdiff_t>(index * key), key, side.begin());
    std::copy_n(material.begin() + static_cast<std::ptrdiff_t>(2 * key + index * salt), salt,
                side.begin() + static_cast<std::ptrdiff_t>(key));
  };
  take(client, 0);
  take(server, 1);
  OPENSSL_cleanse(material.data(), material.size());
  return keys;
}

}  // namespace sluice
