#if SLUICE_IPSEC_MB
#include "dataplane/srtp/ipsec_mb_hmac_burst.hpp"

#include <openssl/crypto.h>

#include <algorithm>

namespace sluice {
namespace {

/// A pass of 8 or 16 lanes over 1100 bytes takes as long as four packets alone (2.3 against 0.6 us, docs/performance.md).
constexpr std::size_t worth_a_pass = 5;
/// The library counts bytes of a lane in 16 bits; no datagram of ours comes near.
constexpr std::size_t message_size_max = 16'384;
/// What the library writes: the 12 bytes of IPsec's tag, of which SRTP sends 10.
constexpr std::size_t written = 12;

}  // namespace

IpsecMbHmacBurst::IpsecMbHmacBurst(const IpsecMbManager& manager) : manager_(manager) {
  for (std::size_t i = 0; i < messages_max; ++i) {
    jobs_[i].hash_alg = IMB_AUTH_HMAC_SHA_1;
    jobs_[i].auth_tag_output = reinterpret_cast<std::uint8_t*>(digests_[i].data());
    jobs_[i].auth_tag_output_len_in_bytes = written;
  }
}

IpsecMbHmacBurst::~IpsecMbHmacBurst() {
  OPENSSL_cleanse(digests_.data(), sizeof digests_);
}

void IpsecMbHmacBurst::add(const IpsecMbPacketKeys& keys, Bytes message) noexcept {
  IMB_JOB& job = jobs_[count_];
  job.src = reinterpret_cast<const std::uint8_t*>(message.data());
  job.msg_len_to_hash_in_bytes = message.size();
  job.u.HMAC._hashed_auth_key_xor_ipad = keys.counter_mode().inner.data();
  job.u.HMAC._hashed_auth_key_xor_opad = keys.counter_mode().outer.data();
  keys_[count_] = &keys;
  ++count_;
}

void IpsecMbHmacBurst::sign_alone(std::size_t i) noexcept {
  const IMB_JOB& job = jobs_[i];
  digests_[i] = keys_[i]->hmac().sign({reinterpret_cast<const std::byte*>(job.src), job.msg_len_to_hash_in_bytes}, {});
}

bool IpsecMbHmacBurst::run() noexcept {
  std::size_t together = count_ / manager_.hash_lanes() * manager_.hash_lanes();
  if (count_ - together >= std::min(worth_a_pass, manager_.hash_lanes())) together = count_;
  const auto end = jobs_.begin() + static_cast<std::ptrdiff_t>(together);
  if (std::any_of(jobs_.begin(), end, [](const IMB_JOB& job) { return job.msg_len_to_hash_in_bytes > message_size_max; }))
    together = 0;
  if (together > 0) {
    const auto count = static_cast<std::uint32_t>(together);
    if (IMB_SUBMIT_HASH_BURST_NOCHECK(manager_.get(), jobs_.data(), count, IMB_AUTH_HMAC_SHA_1) != count) return false;
  }
  for (std::size_t i = together; i < count_; ++i) sign_alone(i);
  return true;
}

}  // namespace sluice
#endif
