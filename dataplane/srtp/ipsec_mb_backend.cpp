#include "dataplane/srtp/ipsec_mb_backend.hpp"

#if SLUICE_IPSEC_MB

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

#include "dataplane/srtp/ipsec_mb_hmac_burst.hpp"
#include "dataplane/srtp/ipsec_mb_manager.hpp"
#include "dataplane/srtp/ipsec_mb_packet_keys.hpp"
#include "dataplane/srtp/srtp_nonce.hpp"
#include "shm/types/byte_order.hpp"

// The packet layouts are drawn in openssl_packet_cipher.cpp.

namespace sluice {
namespace {

constexpr std::size_t index_word_size = 4;
constexpr std::size_t rollover_size = 4;
constexpr std::size_t gcm_tag_size = 16;
constexpr std::uint32_t encrypted_flag = 0x8000'0000U;

std::uint8_t* raw(std::byte* bytes) noexcept {
  return reinterpret_cast<std::uint8_t*>(bytes);
}
const std::uint8_t* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const std::uint8_t*>(bytes);
}

std::uint32_t index_word(std::uint64_t index) noexcept {
  return encrypted_flag | static_cast<std::uint32_t>(index);
}

std::uint32_t rollover_counter(std::uint64_t index) noexcept {
  return static_cast<std::uint32_t>(index >> 16U);
}

/// RTP and RTCP keys of one direction; `Base` is SealingContext or OpeningContext.
template <typename Base>
class IpsecMbContext final : public Base {
 public:
  IpsecMbContext(const IpsecMbManager& manager, const SessionKeys& keys)
      : rtp_(manager, keys.profile, keys.rtp), rtcp_(manager, keys.profile, keys.rtcp) {}
  [[nodiscard]] const IpsecMbPacketKeys& of(SrtpPacketKind kind) const noexcept {
    return kind == SrtpPacketKind::rtp ? rtp_ : rtcp_;
  }

 private:
  IpsecMbPacketKeys rtp_;
  IpsecMbPacketKeys rtcp_;
};
using Sealing = IpsecMbContext<SealingContext>;
using Opening = IpsecMbContext<OpeningContext>;

/// What is encrypted, in one piece. A payload that follows a prefix is copied here once and serves all jobs of a call.
class Stage {
 public:
  /// Forgets the payload, which is only borrowed for one call.
  void clear() noexcept { staged_ = {}; }

  /// Where prefix, payload and padding of `job` lie in one piece: in the payload itself, here, or (too long for here) where
  /// they belong in job.out. Valid until the next call.
  [[nodiscard]] const std::byte* source_of(const SealJob& job) noexcept {
    if (job.prefix.empty() && job.padding == 0) return job.payload.data();
    if (job.prefix.size() > room_before || job.payload.size() > payload_max) return gather(job);
    std::byte* const payload = bytes_.data() + room_before;
    if (job.payload.data() != staged_.data() || job.payload.size() != staged_.size()) {
      std::copy(job.payload.begin(), job.payload.end(), payload);
      staged_ = job.payload;
    }
    std::byte* const prefix = payload - job.prefix.size();
    std::copy(job.prefix.begin(), job.prefix.end(), prefix);
    add_padding(job, payload + job.payload.size());
    return prefix;
  }

 private:
  static void add_padding(const SealJob& job, std::byte* at) noexcept {
    if (job.padding == 0) return;
    std::fill_n(at, job.padding, std::byte{0});
    at[job.padding - 1] = std::byte{job.padding};
  }

  const std::byte* gather(const SealJob& job) noexcept {
    std::byte* const at = job.out.data() + job.header.size();
    std::memmove(at + job.prefix.size(), job.payload.data(), job.payload.size());
    std::copy(job.prefix.begin(), job.prefix.end(), at);
    add_padding(job, at + job.prefix.size() + job.payload.size());
    return at;
  }

  static constexpr std::size_t room_before = 64;
  static constexpr std::size_t payload_max = 2048;
  static constexpr std::size_t padding_max = 255;
  alignas(64) std::array<std::byte, room_before + payload_max + padding_max> bytes_{};
  Bytes staged_;
};

class IpsecMbSrtpBackend final : public SrtpBackend {
 public:
  explicit IpsecMbSrtpBackend(std::unique_ptr<IpsecMbManager> manager) : manager_(std::move(manager)) {}
  IpsecMbSrtpBackend(const IpsecMbSrtpBackend&) = delete;
  IpsecMbSrtpBackend& operator=(const IpsecMbSrtpBackend&) = delete;
  ~IpsecMbSrtpBackend() override {
    OPENSSL_cleanse(&gcm_, sizeof gcm_);
    OPENSSL_cleanse(&stage_, sizeof stage_);
  }

  [[nodiscard]] std::string_view name() const noexcept override { return manager_->name(); }

  [[nodiscard]] std::unique_ptr<SealingContext> make_sealing_context(const SessionKeys& keys) override {
    return is_usable(keys.profile) ? std::make_unique<Sealing>(*manager_, keys) : nullptr;
  }
  [[nodiscard]] std::unique_ptr<OpeningContext> make_opening_context(const SessionKeys& keys) override {
    return is_usable(keys.profile) ? std::make_unique<Opening>(*manager_, keys) : nullptr;
  }

  void seal(std::span<SealJob> jobs) noexcept override {
    for (SealJob& job : jobs) {
      const auto* context = static_cast<const Sealing*>(job.ticket.spend());
      if (context == nullptr) {
        job.result = unexpected(SrtpError::index_used);
      } else {
        seal(context->of(job.ticket.kind()), job);
      }
    }
    finish_seals();
    stage_.clear();
  }

  void open(std::span<OpenJob> jobs) noexcept override {
    for (OpenJob& job : jobs) {
      const auto* context = static_cast<const Opening*>(job.context);
      if (context == nullptr) {
        job.result = unexpected(SrtpError::no_key);
      } else {
        open(context->of(job.kind), job);
      }
    }
    finish_opens();
  }

 private:
  void seal(const IpsecMbPacketKeys& keys, SealJob& job) noexcept {
    const bool rtcp = job.ticket.kind() == SrtpPacketKind::rtcp;
    const std::size_t body = job.prefix.size() + job.payload.size() + job.padding;
    const std::size_t clear = job.header.size() + body;
    const std::size_t total = clear + (rtcp ? keys.sizes().rtcp_overhead() : keys.sizes().rtp_overhead());
    if (job.out.size() < total) {
      job.result = unexpected(SrtpError::no_room);
      return;
    }
    const std::byte* const source = stage_.source_of(job);
    std::memmove(job.out.data(), job.header.data(), job.header.size());
    if (keys.is_gcm()) {
      job.result = seal_gcm(keys, job, source, body, total);
    } else {
      begin_seal_cm(keys, job, source, body, total);
    }
  }

  Result<std::size_t, SrtpError> seal_gcm(const IpsecMbPacketKeys& keys, const SealJob& job, const std::byte* source,
                                          std::size_t body, std::size_t total) noexcept {
    const std::uint64_t index = job.ticket.index();
    const auto iv = gcm_iv(keys.salt(), job.ticket.ssrc(), index);
    std::byte* const place = job.out.data() + job.header.size();
    std::byte* const tag = place + body;
    Bytes covered = job.header;
    std::array<std::byte, aad_max> with_index;
    if (job.ticket.kind() == SrtpPacketKind::rtcp) {
      if (job.header.size() > aad_max - index_word_size) return unexpected(SrtpError::malformed);
      std::copy(job.header.begin(), job.header.end(), with_index.begin());
      store_u32(with_index, job.header.size(), index_word(index));
      covered = Bytes(with_index).first(job.header.size() + index_word_size);
      store_u32(job.out, total - index_word_size, index_word(index));
    }
    const auto encrypt = keys.is_wide() ? (*manager_)->gcm256_enc : (*manager_)->gcm128_enc;
    encrypt(&keys.gcm(), &gcm_, raw(place), raw(source), body, raw(iv.data()), raw(covered.data()), covered.size(), raw(tag),
            gcm_tag_size);
    return total;
  }

  /// Encrypts; the tag comes with finish_seals().
  void begin_seal_cm(const IpsecMbPacketKeys& keys, SealJob& job, const std::byte* source, std::size_t body,
                     std::size_t total) noexcept {
    const std::uint64_t index = job.ticket.index();
    if (!encrypt_cm(keys, job.ticket.ssrc(), index, source, job.out.data() + job.header.size(), body)) {
      job.result = unexpected(SrtpError::no_key);
      return;
    }
    // Behind the packet comes the SRTCP index, which stays, or the rollover counter, which the tag overwrites.
    const bool rtcp = job.ticket.kind() == SrtpPacketKind::rtcp;
    const std::size_t clear = job.header.size() + body;
    store_u32(job.out, clear, rtcp ? index_word(index) : rollover_counter(index));
    if (burst_.full()) finish_seals();
    seals_[burst_.size()] = &job;
    burst_.add(keys, job.out.first(clear + index_word_size));
    static_assert(index_word_size == rollover_size);
    job.result = total;
  }

  void finish_seals() noexcept {
    if (burst_.size() == 0) return;
    const bool signed_all = burst_.run();
    for (std::size_t i = 0; i < burst_.size(); ++i) {
      SealJob& job = *seals_[i];
      if (!signed_all) {
        job.result = unexpected(SrtpError::no_key);
        continue;
      }
      std::memcpy(job.out.data() + *job.result - cm_tag_size, burst_.digest(i).data(), cm_tag_size);
    }
    burst_.clear();
  }

  void open(const IpsecMbPacketKeys& keys, OpenJob& job) noexcept {
    const bool rtcp = job.kind == SrtpPacketKind::rtcp;
    const std::size_t overhead = rtcp ? keys.sizes().rtcp_overhead() : keys.sizes().rtp_overhead();
    if (job.packet.size() < job.header_size + overhead) {
      job.result = unexpected(SrtpError::too_short);
    } else if (keys.is_gcm()) {
      job.result = open_gcm(keys, job, job.packet.size() - overhead);
    } else {
      begin_open_cm(keys, job);
    }
  }

  Result<std::size_t, SrtpError> open_gcm(const IpsecMbPacketKeys& keys, const OpenJob& job, std::size_t clear) noexcept {
    const auto iv = gcm_iv(keys.salt(), job.ssrc, job.index);
    Bytes covered = job.packet.first(job.header_size);
    std::array<std::byte, aad_max> with_index;
    if (job.kind == SrtpPacketKind::rtcp) {
      if (job.header_size > aad_max - index_word_size) return unexpected(SrtpError::malformed);
      std::copy(covered.begin(), covered.end(), with_index.begin());
      std::copy_n(job.packet.end() - index_word_size, index_word_size,
                  with_index.begin() + static_cast<std::ptrdiff_t>(covered.size()));
      covered = Bytes(with_index).first(covered.size() + index_word_size);
    }
    std::byte* const place = job.packet.data() + job.header_size;
    std::array<std::byte, gcm_tag_size> tag;
    const auto decrypt = keys.is_wide() ? (*manager_)->gcm256_dec : (*manager_)->gcm128_dec;
    decrypt(&keys.gcm(), &gcm_, raw(place), raw(place), clear - job.header_size, raw(iv.data()), raw(covered.data()),
            covered.size(), raw(tag.data()), tag.size());
    if (CRYPTO_memcmp(tag.data(), job.packet.data() + clear, tag.size()) != 0) return unexpected(SrtpError::bad_tag);
    return clear;
  }

  /// Puts the message up for its tag; finish_opens() judges that and decrypts.
  void begin_open_cm(const IpsecMbPacketKeys& keys, OpenJob& job) noexcept {
    if (burst_.full()) finish_opens();
    PendingOpen& pending = opens_[burst_.size()];
    pending.job = &job;
    pending.keys = &keys;
    std::size_t covered = job.packet.size() - cm_tag_size;
    std::copy_n(job.packet.data() + covered, cm_tag_size, pending.tag.begin());
    if (job.kind == SrtpPacketKind::rtp) {
      store_u32(job.packet, covered, rollover_counter(job.index));  // where the tag was
      covered += rollover_size;
    }
    burst_.add(keys, job.packet.first(covered));
  }

  void finish_opens() noexcept {
    if (burst_.size() == 0) return;
    const bool signed_all = burst_.run();
    for (std::size_t i = 0; i < burst_.size(); ++i) {
      const PendingOpen& pending = opens_[i];
      OpenJob& job = *pending.job;
      if (!signed_all || CRYPTO_memcmp(burst_.digest(i).data(), pending.tag.data(), pending.tag.size()) != 0) {
        job.result = unexpected(SrtpError::bad_tag);
        continue;
      }
      const bool rtcp = job.kind == SrtpPacketKind::rtcp;
      const std::size_t clear = job.packet.size() - (cm_tag_size + (rtcp ? index_word_size : 0));
      std::byte* const place = job.packet.data() + job.header_size;
      if (encrypt_cm(*pending.keys, job.ssrc, job.index, place, place, clear - job.header_size)) {
        job.result = clear;
      } else {
        job.result = unexpected(SrtpError::bad_tag);
      }
    }
    burst_.clear();
  }

  /// One packet after the other: counter mode alone has blocks enough to fill the unit.
  bool encrypt_cm(const IpsecMbPacketKeys& keys, Ssrc ssrc, std::uint64_t index, const std::byte* source, std::byte* place,
                  std::size_t size) noexcept {
    if (size == 0) return true;  // the library takes that for a mistake
    const auto iv = counter_mode_iv(keys.salt(), ssrc, index);
    cipher_.enc_keys = keys.counter_mode().round_keys.data();
    cipher_.src = raw(source);
    cipher_.dst = raw(place);
    cipher_.msg_len_to_cipher_in_bytes = size;
    cipher_.iv = raw(iv.data());
    cipher_.iv_len_in_bytes = iv.size();
    return IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager_->get(), &cipher_, 1, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
                                           IMB_KEY_128_BYTES) == 1;
  }

  static constexpr std::size_t aad_max = 16;  // of RTCP: 8 bytes and the index
  static constexpr std::size_t cm_tag_size = sizes_of(SrtpProfile::aes128_cm_sha1_80).tag;

  struct PendingOpen {
    OpenJob* job = nullptr;
    const IpsecMbPacketKeys* keys = nullptr;
    std::array<std::byte, cm_tag_size> tag{};
  };

  std::unique_ptr<IpsecMbManager> manager_;
  Stage stage_;
  gcm_context_data gcm_{};
  IMB_JOB cipher_{};
  IpsecMbHmacBurst burst_{*manager_};
  std::array<SealJob*, IpsecMbHmacBurst::messages_max> seals_{};
  std::array<PendingOpen, IpsecMbHmacBurst::messages_max> opens_{};
};

}  // namespace

std::unique_ptr<SrtpBackend> open_ipsec_mb_backend(InstructionSet wanted) {
  auto manager = IpsecMbManager::open(wanted);
  return manager == nullptr ? nullptr : std::make_unique<IpsecMbSrtpBackend>(std::move(manager));
}

}  // namespace sluice

#else

namespace sluice {
std::unique_ptr<SrtpBackend> open_ipsec_mb_backend(InstructionSet) {
  return nullptr;
}
}  // namespace sluice

#endif
