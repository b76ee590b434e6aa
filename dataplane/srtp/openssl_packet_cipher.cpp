#include "dataplane/srtp/openssl_packet_cipher.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "dataplane/srtp/srtp_nonce.hpp"
#include "shm/types/byte_order.hpp"

// Layouts (RFC 3711 sections 3.1 and 3.4, RFC 7714 sections 8 and 9). [ ] is authenticated, ( ) encrypted as well.
//
//   AES-CM   RTP    [header (payload)] tag10                the tag covers the ROC too, as if it were behind the packet
//            RTCP   [8 bytes (rest) E|index] tag10
//   AES-GCM  RTP    [header (payload)] tag16
//            RTCP   [8 bytes (rest)] tag16 [E|index]

namespace sluice {
namespace {

constexpr std::size_t index_word_size = 4;
constexpr std::uint32_t encrypted_flag = 0x8000'0000U;

unsigned char* raw(std::byte* bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}

const EVP_CIPHER* cipher_of(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::aes128_cm_sha1_80:
      return EVP_aes_128_ctr();
    case SrtpProfile::aead_aes_128_gcm:
      return EVP_aes_128_gcm();
    case SrtpProfile::aead_aes_256_gcm:
      return EVP_aes_256_gcm();
    case SrtpProfile::none:
      break;
  }
  return nullptr;
}

std::array<std::byte, 4> big_endian(std::uint32_t value) noexcept {
  std::array<std::byte, 4> bytes{};
  ByteWriter(bytes).u32(value);
  return bytes;
}

std::array<std::byte, 4> rollover_counter(std::uint64_t index) noexcept {
  return big_endian(static_cast<std::uint32_t>(index >> 16U));
}

}  // namespace

OpensslPacketCipher::OpensslPacketCipher(SrtpProfile profile, const SessionKeySet& keys, Direction direction)
    : context_(EVP_CIPHER_CTX_new()), salt_(keys.salt), sizes_(sizes_of(profile)) {
  // Counter mode encrypts both ways.
  const int encrypt = direction == Direction::seal || sizes_.auth_key != 0 ? 1 : 0;
  if (context_ == nullptr ||
      EVP_CipherInit_ex2(context_.get(), cipher_of(profile), raw(keys.encryption.data()), nullptr, encrypt, nullptr) != 1) {
    throw std::runtime_error("OpenSSL has no cipher for this SRTP profile");
  }
  if (sizes_.auth_key != 0) hmac_.emplace(Bytes(keys.authentication).first(sizes_.auth_key));
}

bool OpensslPacketCipher::start(Ssrc ssrc, std::uint64_t index) noexcept {
  if (is_gcm()) {
    const auto iv = gcm_iv(salt_, ssrc, index);
    return EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, raw(iv.data()), -1, nullptr) == 1;
  }
  const auto iv = counter_mode_iv(salt_, ssrc, index);
  return EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, raw(iv.data()), -1, nullptr) == 1;
}

bool OpensslPacketCipher::update(Bytes in, std::byte* out) noexcept {
  int written = 0;
  return in.empty() ||
         EVP_CipherUpdate(context_.get(), raw(out), &written, raw(in.data()), static_cast<int>(in.size())) == 1;
}

bool OpensslPacketCipher::authenticate_only(Bytes in) noexcept {
  int written = 0;
  return EVP_CipherUpdate(context_.get(), nullptr, &written, raw(in.data()), static_cast<int>(in.size())) == 1;
}

bool OpensslPacketCipher::encrypt_parts(const SealJob& job) noexcept {
  std::byte* out = job.out.data() + job.header.size();
  if (!update(job.prefix, out)) return false;
  out += job.prefix.size();
  if (!update(job.payload, out)) return false;
  out += job.payload.size();
  if (job.padding == 0) return true;
  std::fill_n(out, job.padding, std::byte{0});
  out[job.padding - 1] = std::byte{job.padding};
  return update({out, job.padding}, out);
}

Result<std::size_t, SrtpError> OpensslPacketCipher::seal(const SealJob& job) noexcept {
  const bool rtcp = job.ticket.kind() == SrtpPacketKind::rtcp;
  const std::size_t clear = job.header.size() + job.prefix.size() + job.payload.size() + job.padding;
  const std::size_t total = clear + (rtcp ? sizes_.rtcp_overhead() : sizes_.rtp_overhead());
  if (job.out.size() < total) return unexpected(SrtpError::no_room);

  const std::uint64_t index = job.ticket.index();
  const auto index_word = big_endian(encrypted_flag | static_cast<std::uint32_t>(index & ~encrypted_flag));
  std::memmove(job.out.data(), job.header.data(), job.header.size());
  std::byte* const behind = job.out.data() + clear;

  if (!start(job.ticket.ssrc(), index)) return unexpected(SrtpError::no_key);
  if (!is_gcm()) {
    if (!encrypt_parts(job)) return unexpected(SrtpError::no_key);
    std::size_t covered = clear;
    if (rtcp) {
      std::memcpy(behind, index_word.data(), index_word.size());
      covered += index_word.size();
    }
    const auto roc = rollover_counter(index);
    const auto digest = hmac_->sign(job.out.first(covered), rtcp ? Bytes{} : Bytes(roc));
    std::memcpy(job.out.data() + covered, digest.data(), sizes_.tag);
    return total;
  }
  int written = 0;
  if (!authenticate_only(job.header) || (rtcp && !authenticate_only(index_word)) || !encrypt_parts(job) ||
      EVP_CipherFinal_ex(context_.get(), raw(behind), &written) != 1 ||
      EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(sizes_.tag), behind) != 1) {
    return unexpected(SrtpError::no_key);
  }
  if (rtcp) std::memcpy(behind + sizes_.tag, index_word.data(), index_word.size());
  return total;
}

Result<std::size_t, SrtpError> OpensslPacketCipher::open(const OpenJob& job) noexcept {
  const std::size_t overhead = job.kind == SrtpPacketKind::rtcp ? sizes_.rtcp_overhead() : sizes_.rtp_overhead();
  if (job.packet.size() < job.header_size + overhead) return unexpected(SrtpError::too_short);
  return is_gcm() ? open_gcm(job) : open_cm(job);
}

Result<std::size_t, SrtpError> OpensslPacketCipher::open_gcm(const OpenJob& job) noexcept {
  const bool rtcp = job.kind == SrtpPacketKind::rtcp;
  const std::size_t clear = job.packet.size() - (rtcp ? sizes_.rtcp_overhead() : sizes_.rtp_overhead());
  const MutableBytes encrypted = job.packet.subspan(job.header_size, clear - job.header_size);
  int written = 0;
  if (!start(job.ssrc, job.index) || !authenticate_only(job.packet.first(job.header_size)) ||
      (rtcp && !authenticate_only(job.packet.last(index_word_size))) || !update(encrypted, encrypted.data()) ||
      EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(sizes_.tag), job.packet.data() + clear) !=
          1 ||
      EVP_CipherFinal_ex(context_.get(), raw(encrypted.data() + encrypted.size()), &written) != 1) {
    return unexpected(SrtpError::bad_tag);
  }
  return clear;
}

Result<std::size_t, SrtpError> OpensslPacketCipher::open_cm(const OpenJob& job) noexcept {
  const bool rtcp = job.kind == SrtpPacketKind::rtcp;
  const std::size_t covered = job.packet.size() - sizes_.tag;
  const std::size_t clear = rtcp ? covered - index_word_size : covered;
  const auto roc = rollover_counter(job.index);
  const auto digest = hmac_->sign(job.packet.first(covered), rtcp ? Bytes{} : Bytes(roc));
  if (CRYPTO_memcmp(digest.data(), job.packet.data() + covered, sizes_.tag) != 0) return unexpected(SrtpError::bad_tag);
  const MutableBytes encrypted = job.packet.subspan(job.header_size, clear - job.header_size);
  if (!start(job.ssrc, job.index) || !update(encrypted, encrypted.data())) return unexpected(SrtpError::bad_tag);
  return clear;
}

}  // namespace sluice
