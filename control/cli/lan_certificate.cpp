#include "control/cli/lan_certificate.hpp"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include "control/config/sources.hpp"

namespace sluice::cli {

namespace {

constexpr long valid_seconds = 365L * 24 * 3600;
constexpr long renew_before_seconds = 30L * 24 * 3600;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using File = std::unique_ptr<std::FILE, Freer<std::fclose>>;

void add_extension(X509* certificate, int nid, const std::string& value) {
  const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    throw config::ConfigError(
        "OpenSSL could not make the certificate for --lan; give one by signaling.tls.cert and signaling.tls.key.");
  }
}

Certificate make_certificate(EVP_PKEY* key, const std::string& names) {
  Certificate certificate(X509_new());
  std::uint64_t serial = 0;
  (void)RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), valid_seconds);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const std::string common_name = "Sluice on this network";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  add_extension(certificate.get(), NID_subject_alt_name, names);
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

bool still_good(const config::TlsFiles& files, const std::filesystem::path& names_file, const std::string& names) {
  std::ifstream stored(names_file);
  std::string line;
  if (!std::getline(stored, line) || line != names) return false;
  const File file(std::fopen(files.cert.c_str(), "r"));
  if (file == nullptr || access(files.key.c_str(), R_OK) != 0) return false;
  const Certificate certificate(PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return false;
  std::time_t renew = std::time(nullptr) + renew_before_seconds;
  return X509_cmp_time(X509_get0_notAfter(certificate.get()), &renew) > 0;
}

}  // namespace

std::filesystem::path state_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0')
    return std::filesystem::path(state) / "sluice";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return std::filesystem::path(home) / ".local" / "state" / "sluice";
  }
  return std::filesystem::temp_directory_path() / ("sluice-" + std::to_string(getuid()));
}

config::TlsFiles lan_certificate(const std::filesystem::path& folder, const std::vector<std::string>& addresses) {
  const config::TlsFiles files{folder / "lan-cert.pem", folder / "lan-key.pem"};
  const std::filesystem::path names_file = folder / "lan-names";
  std::string names = "DNS:localhost,IP:127.0.0.1";
  for (const std::string& address : addresses) {
    if (address != "127.0.0.1") names += ",IP:" + address;
  }
  if (still_good(files, names_file, names)) return files;

  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = make_certificate(key.get(), names);
  const int key_fd = open(files.key.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const File key_file(key_fd < 0 ? nullptr : fdopen(key_fd, "w"));
  const File certificate_file(std::fopen(files.cert.c_str(), "w"));
  const bool written = key_file != nullptr && certificate_file != nullptr &&
                       PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
                       PEM_write_X509(certificate_file.get(), certificate.get()) == 1;
  if (!written) {
    throw config::ConfigError("The certificate for --lan cannot be written to " + folder.string() +
                              "; make that folder writable, or set XDG_STATE_HOME to one that is.");
  }
  std::ofstream(names_file) << names << '\n';
  return files;
}

}  // namespace sluice::cli
