#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "shm/types/bytes.hpp"

namespace sluice {

/// HMAC-SHA1 (RFC 2104) whose two key blocks are hashed once: a packet pays for its own bytes and two final blocks.
/// OpenSSL 3's EVP_MAC and HMAC interfaces cost 40 to 100 ns more per packet (fetches, allocations), which is why this
/// uses its low-level SHA_CTX. Wipes itself.
class HmacSha1 {
 public:
  static constexpr std::size_t size = 20;

  explicit HmacSha1(Bytes key);
  HmacSha1(const HmacSha1&) = delete;
  HmacSha1& operator=(const HmacSha1&) = delete;
  ~HmacSha1();

  /// Of `message` followed by `trailer` (the rollover counter; may be empty).
  [[nodiscard]] std::array<std::byte, size> sign(Bytes message, Bytes trailer) const noexcept;

 private:
  struct States;
  std::unique_ptr<States> states_;
};

}  // namespace sluice
