#include "dataplane/dtls/dtls_context.hpp"

#include <openssl/x509.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "dataplane/dtls/dtls_association.hpp"
#include "dataplane/dtls/dtls_limits.hpp"

namespace sluice {
namespace {

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

}  // namespace

DtlsContext::DtlsContext(const Certificate& certificate) : context_(SSL_CTX_new(DTLS_method())) {
  require(context_ != nullptr, "OpenSSL has no DTLS");
  SSL_CTX* const context = context_.get();
  require(SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
              SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1,
          "OpenSSL refuses DTLS 1.2");
  require(SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384") == 1,
          "OpenSSL refuses the cipher list");
  // P-256 must stay in the list even for those who prefer X25519: OpenSSL refuses an ECDSA certificate whose curve is not.
  require(SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1, "OpenSSL refuses the groups");
  // RSA is for the client certificates of older peers only; our own cipher suites and certificate are ECDSA.
  require(SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA256:RSA+SHA256:RSA+SHA384") == 1,
          "OpenSSL refuses the signature algorithms");
  // This function, unlike its neighbours, returns 0 for success.
  require(SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM") == 0,
          "OpenSSL refuses the SRTP profiles");
  require(SSL_CTX_use_certificate(context, certificate.x509()) == 1 &&
              SSL_CTX_use_PrivateKey(context, certificate.key()) == 1 && SSL_CTX_check_private_key(context) == 1,
          "OpenSSL refuses the DTLS certificate");

  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_QUERY_MTU |
                                   SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, static_cast<long>(DtlsLimits::certificate_bytes_max));

  // Certificates are self-signed: the fingerprint takes the place of chain verification, whole.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  const auto verify = [](X509_STORE_CTX* store, void*) -> int {
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* association = static_cast<DtlsAssociation*>(SSL_get_app_data(ssl));
    X509* const x509 = X509_STORE_CTX_get0_cert(store);
    unsigned char* der = nullptr;
    const int size = x509 == nullptr ? 0 : i2d_X509(x509, &der);
    const bool accepted =
        size > 0 && association != nullptr &&
        association->accept_certificate({reinterpret_cast<const std::byte*>(der), static_cast<std::size_t>(size)});
    OPENSSL_free(der);
    X509_STORE_CTX_set_error(store, accepted ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return accepted ? 1 : 0;
  };
  SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
}

}  // namespace sluice
