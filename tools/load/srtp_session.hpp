#pragma once

#include <srtp2/srtp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/kind.hpp"

namespace sluice::load {

/// Both directions of a client's SRTP, by libsrtp2: written by others than the server's, so that the two check each other.
class SrtpSession {
 public:
  /// Room behind a packet that protect needs.
  static constexpr std::size_t overhead_max = SRTP_MAX_TRAILER_LEN + 4;

  /// Master key then master salt of each direction. Throws std::runtime_error if libsrtp2 refuses them.
  SrtpSession(SrtpProfile profile, Bytes send_key, Bytes receive_key);
  ~SrtpSession();
  SrtpSession(const SrtpSession&) = delete;
  SrtpSession& operator=(const SrtpSession&) = delete;

  /// In place: the packet of `size` bytes at the front of `buffer`, which has overhead_max bytes more. The new size.
  [[nodiscard]] std::optional<std::size_t> protect_rtp(MutableBytes buffer, std::size_t size) noexcept;
  [[nodiscard]] std::optional<std::size_t> protect_rtcp(MutableBytes buffer, std::size_t size) noexcept;

  enum class Opened : std::uint8_t {
    fine,
    replayed,  ///< libsrtp2 has seen this index, or it is behind its window; nothing was decrypted
    failed     ///< not authentic under the index that was guessed
  };
  struct Result {
    Opened opened = Opened::failed;
    std::size_t size = 0;  ///< in the clear, when fine
  };
  /// In place.
  [[nodiscard]] Result open_rtp(MutableBytes packet) noexcept;
  [[nodiscard]] Result open_rtcp(MutableBytes packet) noexcept;

  /// Whether `packet` (left as it is) is authentic under the inbound key with this rollover counter, whatever was received
  /// before. Slow: for packets that open_* refused.
  [[nodiscard]] bool is_authentic_rtp(Bytes packet, Ssrc ssrc, std::uint32_t rollover) const;
  [[nodiscard]] bool is_authentic_rtcp(Bytes packet) const;

  /// Bytes of a protected RTCP packet up to the end of its tag or index word, where tag_fingerprint() finds the tag.
  [[nodiscard]] std::size_t rtcp_tag_end(std::size_t size) const noexcept;
  /// The index that a protected RTCP packet carries; nothing when it is too short.
  [[nodiscard]] std::optional<std::uint32_t> rtcp_index(Bytes packet) const noexcept;

 private:
  [[nodiscard]] srtp_t make(Bytes key, srtp_ssrc_t ssrc) const;
  SrtpProfile profile_;
  std::vector<std::byte> receive_key_;
  srtp_t send_ = nullptr;
  srtp_t receive_ = nullptr;
};

}  // namespace sluice::load
