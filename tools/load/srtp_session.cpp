#include "tools/load/srtp_session.hpp"

#include <stdexcept>

#include "shm/types/byte_order.hpp"

namespace sluice::load {

namespace {

/// Packets behind the highest that libsrtp2 remembers: more than any reordering between processes of one machine.
constexpr unsigned replay_window = 4096;
constexpr std::size_t index_word = 4;
constexpr std::size_t cm_tag = 10;

void set_policy(SrtpProfile profile, srtp_policy_t& policy) {
  switch (profile) {
    case SrtpProfile::aead_aes_128_gcm:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
      return;
    case SrtpProfile::aead_aes_256_gcm:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
      return;
    case SrtpProfile::aes128_cm_sha1_80:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
      return;
    case SrtpProfile::none:
      break;
  }
  throw std::runtime_error("no SRTP profile");
}

SrtpSession::Result result_of(srtp_err_status_t status, int size) noexcept {
  using Opened = SrtpSession::Opened;
  if (status == srtp_err_status_ok) return {Opened::fine, static_cast<std::size_t>(size)};
  const bool replayed = status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old;
  return {replayed ? Opened::replayed : Opened::failed, 0};
}

}  // namespace

srtp_t SrtpSession::make(Bytes key, srtp_ssrc_t ssrc) const {
  static const bool started = srtp_init() == srtp_err_status_ok;
  if (!started) throw std::runtime_error("libsrtp2 could not start");
  std::vector<unsigned char> copy(key.size());
  for (std::size_t i = 0; i < key.size(); ++i) copy[i] = std::to_integer<unsigned char>(key[i]);
  srtp_policy_t policy{};
  set_policy(profile_, policy);
  policy.key = copy.data();
  policy.ssrc = ssrc;
  policy.window_size = replay_window;
  srtp_t session = nullptr;
  if (srtp_create(&session, &policy) != srtp_err_status_ok) throw std::runtime_error("libsrtp2 refuses the keys");
  return session;
}

SrtpSession::SrtpSession(SrtpProfile profile, Bytes send_key, Bytes receive_key)
    : profile_(profile), receive_key_(receive_key.begin(), receive_key.end()) {
  send_ = make(send_key, {ssrc_any_outbound, 0});
  receive_ = make(receive_key, {ssrc_any_inbound, 0});
}

SrtpSession::~SrtpSession() {
  if (send_ != nullptr) srtp_dealloc(send_);
  if (receive_ != nullptr) srtp_dealloc(receive_);
}

std::optional<std::size_t> SrtpSession::protect_rtp(MutableBytes buffer, std::size_t size) noexcept {
  if (size + overhead_max > buffer.size()) return std::nullopt;
  int length = static_cast<int>(size);
  if (srtp_protect(send_, buffer.data(), &length) != srtp_err_status_ok) return std::nullopt;
  return static_cast<std::size_t>(length);
}

std::optional<std::size_t> SrtpSession::protect_rtcp(MutableBytes buffer, std::size_t size) noexcept {
  if (size + overhead_max > buffer.size()) return std::nullopt;
  int length = static_cast<int>(size);
  if (srtp_protect_rtcp(send_, buffer.data(), &length) != srtp_err_status_ok) return std::nullopt;
  return static_cast<std::size_t>(length);
}

SrtpSession::Result SrtpSession::open_rtp(MutableBytes packet) noexcept {
  int length = static_cast<int>(packet.size());
  const srtp_err_status_t status = srtp_unprotect(receive_, packet.data(), &length);
  return result_of(status, length);
}

SrtpSession::Result SrtpSession::open_rtcp(MutableBytes packet) noexcept {
  int length = static_cast<int>(packet.size());
  const srtp_err_status_t status = srtp_unprotect_rtcp(receive_, packet.data(), &length);
  return result_of(status, length);
}

bool SrtpSession::is_authentic_rtp(Bytes packet, Ssrc ssrc, std::uint32_t rollover) const {
  const srtp_t session = make(receive_key_, {ssrc_specific, ssrc.value});
  std::vector<std::byte> copy(packet.begin(), packet.end());
  int length = static_cast<int>(copy.size());
  const bool authentic = srtp_set_stream_roc(session, ssrc.value, rollover) == srtp_err_status_ok &&
                         srtp_unprotect(session, copy.data(), &length) == srtp_err_status_ok;
  srtp_dealloc(session);
  return authentic;
}

bool SrtpSession::is_authentic_rtcp(Bytes packet) const {
  const srtp_t session = make(receive_key_, {ssrc_any_inbound, 0});
  std::vector<std::byte> copy(packet.begin(), packet.end());
  int length = static_cast<int>(copy.size());
  const bool authentic = srtp_unprotect_rtcp(session, copy.data(), &length) == srtp_err_status_ok;
  srtp_dealloc(session);
  return authentic;
}

std::size_t SrtpSession::rtcp_tag_end(std::size_t size) const noexcept {
  // RFC 7714 section 9.1: the index word follows the tag; RFC 3711 section 3.4: the tag follows the index word.
  if (profile_ == SrtpProfile::aes128_cm_sha1_80) return size;
  return size < index_word ? 0 : size - index_word;
}

std::optional<std::uint32_t> SrtpSession::rtcp_index(Bytes packet) const noexcept {
  const std::size_t behind = profile_ == SrtpProfile::aes128_cm_sha1_80 ? cm_tag : 0;
  if (packet.size() < 8 + index_word + behind) return std::nullopt;
  constexpr std::uint32_t index_mask = 0x7fff'ffff;
  return load_u32(packet, packet.size() - behind - index_word) & index_mask;
}

}  // namespace sluice::load
