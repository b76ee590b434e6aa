#include "tools/load/dtls_client.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <cstdio>
#include <stdexcept>

#include "shm/types/byte_order.hpp"

namespace sluice::load {

namespace {

constexpr long mtu = 1200;
constexpr std::size_t record_header = 13;
constexpr std::size_t record_length_at = 11;

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

const char* profile_name(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::aead_aes_128_gcm:
      return "SRTP_AEAD_AES_128_GCM";
    case SrtpProfile::aead_aes_256_gcm:
      return "SRTP_AEAD_AES_256_GCM";
    case SrtpProfile::aes128_cm_sha1_80:
    case SrtpProfile::none:
      break;
  }
  return "SRTP_AES128_CM_SHA1_80";
}

/// Key and salt of a profile, in bytes.
std::pair<std::size_t, std::size_t> key_sizes(SrtpProfile profile) {
  if (profile == SrtpProfile::aes128_cm_sha1_80) return {16, 14};
  return {profile == SrtpProfile::aead_aes_256_gcm ? 32U : 16U, 12};
}

std::optional<CertificateHash> hash_of(const X509* certificate) {
  CertificateHash hash{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), hash.data(), &size) != 1 || size != hash.size()) return std::nullopt;
  return hash;
}

struct FreeCertificate {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};

}  // namespace

DtlsIdentity::DtlsIdentity(SrtpProfile profile) : context_(SSL_CTX_new(DTLS_client_method())), profile_(profile) {
  const std::unique_ptr<EVP_PKEY, FreeKey> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, FreeCertificate> certificate(X509_new());
  require(context_ != nullptr && key != nullptr && certificate != nullptr, "OpenSSL could not make a certificate");
  constexpr long day = 24L * 3600;
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  require(X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -day) != nullptr &&
              X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 365 * day) != nullptr &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("load"), -1, -1,
                                         0) == 1 &&
              X509_set_issuer_name(certificate.get(), name) == 1 && X509_set_pubkey(certificate.get(), key.get()) == 1 &&
              X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0,
          "OpenSSL could not make a certificate");
  const std::optional<CertificateHash> hash = hash_of(certificate.get());
  require(hash.has_value(), "OpenSSL could not hash the certificate");
  for (const std::uint8_t byte : *hash) {
    std::array<char, 4> text{};
    std::snprintf(text.data(), text.size(), "%s%02X", fingerprint_.empty() ? "" : ":", byte);
    fingerprint_ += text.data();
  }
  SSL_CTX* const context = context_.get();
  require(SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
              SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
              SSL_CTX_use_certificate(context, certificate.get()) == 1 && SSL_CTX_use_PrivateKey(context, key.get()) == 1,
          "OpenSSL refuses the DTLS settings");
  // Unlike its neighbours it returns 0 for success.
  require(SSL_CTX_set_tlsext_use_srtp(context, profile_name(profile)) == 0, "OpenSSL refuses the SRTP profile");
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
  // Self-signed: finish() compares the fingerprint instead.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
}

DtlsClient::DtlsClient(const DtlsIdentity& identity, const CertificateHash& expected, Send send)
    : identity_(identity), expected_(expected), send_(std::move(send)), ssl_(SSL_new(identity.context())) {
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  require(ssl_ != nullptr && in != nullptr && out != nullptr, "OpenSSL has no memory");
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(ssl_.get(), in, out);
  SSL_set_connect_state(ssl_.get());
  require(SSL_set_mtu(ssl_.get(), mtu) == mtu, "OpenSSL refuses the MTU");
}

void DtlsClient::start() {
  advance();
}

void DtlsClient::fail(std::string why) {
  state_ = State::failed;
  failure_ = std::move(why);
}

void DtlsClient::flush() {
  // A memory BIO forgets where datagrams end: each record becomes one of its own, which DTLS allows.
  char* data = nullptr;
  const long size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
  Bytes rest(reinterpret_cast<const std::byte*>(data), size > 0 ? static_cast<std::size_t>(size) : 0);
  while (rest.size() >= record_header) {
    const std::size_t record = std::min(rest.size(), record_header + load_u16(rest, record_length_at));
    send_(rest.first(record));
    rest = rest.subspan(record);
  }
  BIO_reset(SSL_get_wbio(ssl_.get()));
}

void DtlsClient::advance() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  flush();
  if (result == 1) {
    finish();
    return;
  }
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
  const unsigned long code = ERR_peek_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  fail(std::string("the DTLS handshake failed: ") + (reason == nullptr ? "unknown reason" : reason));
}

void DtlsClient::finish() {
  const std::unique_ptr<X509, FreeCertificate> certificate(SSL_get1_peer_certificate(ssl_.get()));
  const std::optional<CertificateHash> hash = certificate == nullptr ? std::nullopt : hash_of(certificate.get());
  if (!hash || *hash != expected_) return fail("the server's certificate is not the one of its answer");
  const SRTP_PROTECTION_PROFILE* const selected = SSL_get_selected_srtp_profile(ssl_.get());
  if (selected == nullptr || selected->id != static_cast<unsigned long>(identity_.profile()))
    return fail("the server did not agree to the SRTP profile");
  state_ = State::connected;
}

void DtlsClient::on_datagram(Bytes datagram) {
  if (state_ == State::failed || state_ == State::closed) return;
  BIO_write(SSL_get_rbio(ssl_.get()), datagram.data(), static_cast<int>(datagram.size()));
  if (state_ == State::handshaking) return advance();
  // Afterwards only alerts and retransmissions are expected.
  std::array<std::byte, 2048> discard{};
  ERR_clear_error();
  const int result = SSL_read(ssl_.get(), discard.data(), static_cast<int>(discard.size()));
  flush();
  if (result <= 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN) state_ = State::closed;
}

void DtlsClient::on_timeout() {
  if (state_ != State::handshaking) return;
  if (DTLSv1_handle_timeout(ssl_.get()) < 0) fail("the server did not answer the DTLS handshake");
  flush();
}

TimePoint DtlsClient::next_deadline(TimePoint now) const {
  timeval left{};
  if (state_ != State::handshaking || DTLSv1_get_timeout(ssl_.get(), &left) != 1) return never;
  return now + std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
}

std::optional<DtlsKeys> DtlsClient::export_keys() const {
  if (state_ != State::connected) return std::nullopt;
  const auto [key, salt] = key_sizes(identity_.profile());
  std::vector<std::byte> material(2 * (key + salt));
  static constexpr std::string_view label = "EXTRACTOR-dtls_srtp";
  if (SSL_export_keying_material(ssl_.get(), reinterpret_cast<unsigned char*>(material.data()), material.size(),
                                 label.data(), label.size(), nullptr, 0, 0) != 1)
    return std::nullopt;
  // RFC 5764 section 4.2: client key, server key, client salt, server salt.
  const auto cut = [&](std::size_t at, std::size_t size, std::vector<std::byte>& into) {
    into.insert(into.end(), material.begin() + static_cast<std::ptrdiff_t>(at),
                material.begin() + static_cast<std::ptrdiff_t>(at + size));
  };
  DtlsKeys keys;
  cut(0, key, keys.send);
  cut(2 * key, salt, keys.send);
  cut(key, key, keys.receive);
  cut(2 * key + salt, salt, keys.receive);
  return keys;
}

}  // namespace sluice::load
