#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/packet/rtcp_packet.hpp"
#include "dataplane/packet/transport_feedback_writer.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/sequence_number.hpp"
#include "shm/types/units.hpp"

namespace sluice {

/// Writes RTCP packets one after another into a span, as one compound in the clear. Each function writes a whole packet
/// and returns true, or leaves what was written before as it is and returns false: no room (or an argument out of range).
class RtcpWriter {
 public:
  explicit RtcpWriter(MutableBytes out) noexcept : out_(out) {}

  /// At most 31 blocks.
  bool sender_report(Ssrc sender, std::uint64_t ntp_time, std::uint32_t rtp_timestamp, std::uint32_t packet_count,
                     std::uint32_t octet_count, std::span<const ReportBlock> blocks = {}) noexcept;
  bool receiver_report(Ssrc sender, std::span<const ReportBlock> blocks = {}) noexcept;
  /// One chunk with a CNAME of at most 255 bytes.
  bool source_description(Ssrc source, std::string_view cname) noexcept;
  /// At most 31 sources.
  bool goodbye(std::span<const Ssrc> sources) noexcept;
  /// `lost` in ascending order (with wrap), so that neighbours share a pair; at least one.
  bool nack(Ssrc sender, Ssrc media, std::span<const SequenceNumber> lost) noexcept;
  bool picture_loss(Ssrc sender, Ssrc media) noexcept;
  /// At least one entry.
  bool full_intra_request(Ssrc sender, std::span<const FirEntry> entries) noexcept;
  /// At most 255 sources. The rate is rounded down to 18 significant bits.
  bool receiver_estimate(Ssrc sender, Bitrate bitrate, std::span<const Ssrc> sources) noexcept;
  /// What `feedback` collected; false as well when it collected nothing.
  bool transport_feedback(Ssrc sender, Ssrc media, const TransportFeedbackWriter& feedback) noexcept;

  /// Bytes written so far.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t remaining() const noexcept { return out_.size() - size_; }
  [[nodiscard]] MutableBytes written() const noexcept { return out_.first(size_); }

 private:
  MutableBytes out_;
  std::size_t size_ = 0;
};

}  // namespace sluice
