#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/srtp/ipsec_mb_packet_keys.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {

/// HMAC-SHA1 of several messages under as many keys, side by side in the lanes of a vector unit. What does not fill the
/// lanes well enough is signed one after the other: a pass over the lanes takes as long with one message as with all.
class IpsecMbHmacBurst {
 public:
  static constexpr std::size_t messages_max = 64;

  explicit IpsecMbHmacBurst(const IpsecMbManager& manager);
  IpsecMbHmacBurst(const IpsecMbHmacBurst&) = delete;
  IpsecMbHmacBurst& operator=(const IpsecMbHmacBurst&) = delete;
  ~IpsecMbHmacBurst();

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool full() const noexcept { return count_ == messages_max; }
  /// Not when full(). Both are borrowed until run().
  void add(const IpsecMbPacketKeys& keys, Bytes message) noexcept;
  /// Signs all; false if the library did not, and then no digest counts.
  [[nodiscard]] bool run() noexcept;
  /// Of the message added as number `i`, at least its first 12 bytes; after run().
  [[nodiscard]] Bytes digest(std::size_t i) const noexcept { return digests_[i]; }
  void clear() noexcept { count_ = 0; }

 private:
  void sign_alone(std::size_t i) noexcept;

  const IpsecMbManager& manager_;
  std::array<IMB_JOB, messages_max> jobs_{};
  std::array<const IpsecMbPacketKeys*, messages_max> keys_{};
  std::array<std::array<std::byte, HmacSha1::size>, messages_max> digests_{};
  std::size_t count_ = 0;
};

}  // namespace sluice
