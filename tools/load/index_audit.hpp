#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"

namespace sluice::load {

/// What an authentic packet under some index means.
enum class IndexVerdict : std::uint8_t {
  fresh,              ///< the first packet under this index
  network_duplicate,  ///< the same ciphertext again: the network's doing, harmless
  repeat              ///< another ciphertext under a used index: the nonce was used twice (RFC 3711 section 9.1)
};

/// Every index that was seen under one key and SSRC. Remembers the last `window` indices by one bit each, and the last
/// `fingerprints` ciphertexts by eight bytes of their tag. An index further back, or one whose ciphertext is no longer
/// known, is a repeat: no network delivers that late.
class IndexSet {
 public:
  static constexpr std::uint64_t window = std::uint64_t{1} << 18U;  // 22 minutes at 200 packets/s; 32 KiB
  static constexpr std::uint64_t fingerprints = 4096;               // 32 KiB

  IndexSet();
  [[nodiscard]] IndexVerdict note(std::uint64_t index, std::uint64_t fingerprint);
  [[nodiscard]] std::uint64_t highest() const noexcept { return next_ == 0 ? 0 : next_ - 1; }
  [[nodiscard]] bool empty() const noexcept { return next_ == 0; }

 private:
  std::vector<std::uint64_t> bits_;          // by index modulo window
  std::vector<std::uint64_t> fingerprints_;  // by index modulo fingerprints
  std::uint64_t next_ = 0;                   // one behind the highest seen
};

/// The indices of all packets that one transport received under its one inbound key, RTP and RTCP apart (they have session
/// keys of their own). Feed it with authentic packets only.
class IndexAudit {
 public:
  /// `index` is ROC and sequence number (48 bits).
  IndexVerdict note_rtp(Ssrc ssrc, std::uint64_t index, std::uint64_t fingerprint);
  /// `index` is the 31-bit one that the packet carries.
  IndexVerdict note_rtcp(Ssrc ssrc, std::uint32_t index, std::uint64_t fingerprint);
  /// The index that RFC 3711 section 3.3.1 gives a packet with this sequence number.
  [[nodiscard]] std::uint64_t guess_rtp_index(Ssrc ssrc, std::uint16_t sequence) const noexcept;

  struct Counts {
    std::uint64_t rtp = 0;   ///< fresh ones
    std::uint64_t rtcp = 0;  ///< fresh ones
    std::uint64_t ssrcs = 0;
    std::uint64_t network_duplicates = 0;
    std::uint64_t repeats = 0;
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

 private:
  using Sets = std::unordered_map<Ssrc, IndexSet>;
  IndexVerdict note(Sets& sets, Ssrc ssrc, std::uint64_t index, std::uint64_t fingerprint, std::uint64_t& fresh);
  Sets rtp_;
  Sets rtcp_;
  Counts counts_;
};

/// The 64 bits before `end` bytes of a protected packet: part of its authentication tag, which depends on all of it.
[[nodiscard]] std::uint64_t tag_fingerprint(Bytes packet, std::size_t end) noexcept;

}  // namespace sluice::load
