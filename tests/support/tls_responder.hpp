#pragma once

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

namespace sluice::test {

/// A certificate authority of its own, and an HTTPS server on loopback that answers every request by 200 and `hello` under a
/// certificate for one name.
class TlsResponder {
 public:
  /// `name` as in a subjectAltName: "DNS:right.example", "IP:127.0.0.1".
  explicit TlsResponder(const std::string& name) : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const Key authority_key = make_key();
    const Certificate authority = make_certificate("the authority", authority_key, nullptr, authority_key, {"CA:TRUE", ""});
    const Key key = make_key();
    const Certificate own = make_certificate("server", key, authority.get(), authority_key, {"", name});
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context_.get(), own.get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
    std::string path = "/tmp/sluice-ca-XXXXXX";
    const int fd = ::mkstemp(path.data());
    FILE* file = ::fdopen(fd, "w");
    PEM_write_X509(file, authority.get());
    (void)std::fclose(file);
    ca_file_ = path;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    (void)::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    (void)::listen(listener_, 16);
    (void)::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsResponder() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
    (void)::unlink(ca_file_.c_str());
  }
  TlsResponder(const TlsResponder&) = delete;
  TlsResponder& operator=(const TlsResponder&) = delete;

  [[nodiscard]] std::string port() const { return std::to_string(port_); }
  [[nodiscard]] const std::string& ca_file() const { return ca_file_; }
  /// Requests that came, after a handshake that the client went through with.
  [[nodiscard]] int requests() const { return requests_; }
  /// Connections that were made.
  [[nodiscard]] int connections() const { return connections_; }

 private:
  template <auto Free>
  struct Release {
    template <typename T>
    void operator()(T* what) const {
      Free(what);
    }
  };
  using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
  using Certificate = std::unique_ptr<X509, Release<X509_free>>;
  struct Extensions {
    std::string basic_constraints;
    std::string alternative_name;
  };

  static Key make_key() { return Key(EVP_EC_gen("P-256")); }
  static Certificate make_certificate(const char* subject, const Key& key, X509* issuer, const Key& issuer_key,
                                      const Extensions& extensions) {
    static std::atomic<long> serial{1};
    Certificate made(X509_new());
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(subject), -1, -1, 0);
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer == nullptr ? made.get() : issuer));
    add(made.get(), issuer, NID_basic_constraints, extensions.basic_constraints);
    add(made.get(), issuer, NID_subject_alt_name, extensions.alternative_name);
    X509_sign(made.get(), issuer_key.get(), EVP_sha256());
    return made;
  }
  static void add(X509* certificate, X509* issuer, int kind, const std::string& value) {
    if (value.empty()) return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer == nullptr ? certificate : issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  void serve() {
    // A client that goes in the middle of a handshake must not end the test program.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    (void)::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    while (!stop_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 10) <= 0) continue;
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) continue;
      ++connections_;
      SSL* session = SSL_new(context_.get());
      SSL_set_fd(session, fd);
      char request[4096];
      if (SSL_accept(session) == 1 && SSL_read(session, request, sizeof request) > 0) {
        ++requests_;
        const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
        (void)SSL_write(session, answer.data(), static_cast<int>(answer.size()));
        (void)SSL_shutdown(session);
      }
      SSL_free(session);
      ::close(fd);
    }
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::unique_ptr<SSL_CTX, Release<SSL_CTX_free>> context_;
  std::string ca_file_;
  std::atomic<bool> stop_{false};
  std::atomic<int> requests_{0};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace sluice::test
