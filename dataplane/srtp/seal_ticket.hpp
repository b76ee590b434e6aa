#pragma once

#include <cstdint>
#include <utility>

#include "shm/types/ids.hpp"

namespace sluice {

class SealingContext;

/// RTP or RTCP protection: they have different session keys, nonces and layouts.
enum class SrtpPacketKind : std::uint8_t { rtp, rtcp };

/// The right to encrypt one packet under one (key, SSRC, index). Only SrtpSender and SrtpSealer make tickets, each index
/// once, after the next index was stored for a successor; a backend spends the ticket when it seals. So no packet can be
/// encrypted under an index that was used before, whoever mistakes what. Lives shorter than the keys it came from.
class SealTicket {
 public:
  SealTicket() noexcept = default;  // spent
  SealTicket(SealTicket&& other) noexcept { *this = std::move(other); }
  SealTicket& operator=(SealTicket&& other) noexcept {
    context_ = std::exchange(other.context_, nullptr);
    index_ = other.index_;
    ssrc_ = other.ssrc_;
    kind_ = other.kind_;
    return *this;
  }
  ~SealTicket() = default;

  [[nodiscard]] bool valid() const noexcept { return context_ != nullptr; }
  [[nodiscard]] SrtpPacketKind kind() const noexcept { return kind_; }
  [[nodiscard]] Ssrc ssrc() const noexcept { return ssrc_; }
  /// RTP: 48 bits, ROC then sequence number. RTCP: the 31-bit SRTCP index.
  [[nodiscard]] std::uint64_t index() const noexcept { return index_; }
  /// For backends: the context to seal with, once; null ever after.
  [[nodiscard]] SealingContext* spend() noexcept { return std::exchange(context_, nullptr); }
  /// For backends that sort jobs by context before spending them.
  [[nodiscard]] SealingContext* context() const noexcept { return context_; }

 private:
  friend class SrtpSender;
  friend class SrtpSealer;
  SealTicket(SealingContext& context, SrtpPacketKind kind, Ssrc ssrc, std::uint64_t index) noexcept
      : context_(&context), index_(index), ssrc_(ssrc), kind_(kind) {}

  SealingContext* context_ = nullptr;
  std::uint64_t index_ = 0;
  Ssrc ssrc_;
  SrtpPacketKind kind_ = SrtpPacketKind::rtp;
};

}  // namespace sluice
