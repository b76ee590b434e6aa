#include "dataplane/dtls/certificate.hpp"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

constexpr std::uint32_t magic = 0x534c4331;  // "SLC1"; then u32 size + certificate, u32 size + key (PKCS #8), both DER
constexpr std::size_t der_bytes_max = 16 * 1024;

void require(bool ok) {
  if (!ok) throw std::runtime_error("OpenSSL could not make the DTLS certificate");
}

template <typename Object, typename Encode>
std::vector<std::byte> to_der(Object* object, Encode encode) {
  unsigned char* out = nullptr;
  const int size = encode(object, &out);
  require(size > 0);
  const auto* bytes = reinterpret_cast<const std::byte*>(out);
  std::vector<std::byte> der(bytes, bytes + size);
  OPENSSL_clear_free(out, static_cast<std::size_t>(size));
  return der;
}

}  // namespace

Certificate Certificate::generate(std::chrono::sys_seconds now) {
  constexpr std::chrono::seconds day = std::chrono::days(1);
  Certificate result;
  result.key_.reset(EVP_EC_gen("P-256"));
  result.x509_.reset(X509_new());
  require(result.key_ != nullptr && result.x509_ != nullptr);
  X509* const x509 = result.x509_.get();

  std::array<unsigned char, 8> serial{};
  require(RAND_bytes(serial.data(), serial.size()) == 1);
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7fU) | 0x40U);  // positive and of full length
  BIGNUM* number = BN_bin2bn(serial.data(), serial.size(), nullptr);
  const bool numbered = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != nullptr;
  BN_free(number);

  const auto at = [](std::chrono::sys_seconds time) { return static_cast<time_t>(time.time_since_epoch().count()); };
  X509_NAME* const name = X509_get_subject_name(x509);
  require(numbered && X509_set_version(x509, X509_VERSION_3) == 1 &&
          ASN1_TIME_set(X509_getm_notBefore(x509), at(now - day)) != nullptr &&
          ASN1_TIME_set(X509_getm_notAfter(x509), at(now + 3650 * day)) != nullptr &&
          X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("sluice"), -1, -1,
                                     0) == 1 &&
          X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, result.key_.get()) == 1 &&
          X509_sign(x509, result.key_.get(), EVP_sha256()) > 0);
  return result;
}

std::optional<Certificate> Certificate::parse(Bytes serialized) {
  ByteReader reader(serialized);
  const bool known = reader.u32() == magic;
  const Bytes certificate = reader.take(reader.u32());
  const Bytes key = reader.take(reader.u32());
  if (!known || !reader.ok() || reader.remaining() != 0 || certificate.size() > der_bytes_max ||
      key.size() > der_bytes_max) {
    return std::nullopt;
  }
  Certificate result;
  const auto* at = reinterpret_cast<const unsigned char*>(certificate.data());
  result.x509_.reset(d2i_X509(nullptr, &at, static_cast<long>(certificate.size())));
  at = reinterpret_cast<const unsigned char*>(key.data());
  result.key_.reset(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(key.size())));
  if (result.x509_ == nullptr || result.key_ == nullptr ||
      X509_check_private_key(result.x509_.get(), result.key_.get()) != 1) {
    return std::nullopt;
  }
  return result;
}

std::vector<std::byte> Certificate::certificate_der() const {
  return to_der(x509_.get(), &i2d_X509);
}

std::vector<std::byte> Certificate::serialize() const {
  const std::vector<std::byte> certificate = certificate_der();
  std::vector<std::byte> key = to_der(key_.get(), &i2d_PrivateKey);
  std::vector<std::byte> out(12 + certificate.size() + key.size());
  ByteWriter writer(out);
  writer.u32(magic);
  writer.u32(static_cast<std::uint32_t>(certificate.size()));
  writer.bytes(certificate);
  writer.u32(static_cast<std::uint32_t>(key.size()));
  writer.bytes(key);
  OPENSSL_cleanse(key.data(), key.size());
  return out;
}

}  // namespace sluice
