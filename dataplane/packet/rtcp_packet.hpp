#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "dataplane/packet/transport_feedback.hpp"
#include "shm/types/byte_order.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/sequence_number.hpp"
#include "shm/types/units.hpp"

namespace sluice {

// Views of the RTCP packets that we understand. They borrow the compound's bytes, and they come from RtcpCompound, which has
// checked every length: accessors cannot fail.

/// RFC 3550 section 6.4.1, one report block.
struct ReportBlock {
  Ssrc ssrc;                              // of the stream that is reported on
  std::uint8_t fraction_lost = 0;         // of 256, since the last report
  std::int32_t cumulative_lost = 0;       // 24 bits signed: duplicates make it negative
  std::uint32_t highest_sequence = 0;     // cycles in the high half, sequence number in the low
  std::uint32_t jitter = 0;               // in units of the stream's RTP clock
  std::uint32_t last_sr = 0;              // middle 32 bits of the NTP time of the last SR; 0 = none
  std::uint32_t delay_since_last_sr = 0;  // in 1/65536 s
  friend constexpr bool operator==(const ReportBlock&, const ReportBlock&) = default;
};

/// At most 31 report blocks.
class ReportBlocks {
 public:
  static constexpr std::size_t block_size = 24;
  ReportBlocks() = default;
  explicit ReportBlocks(Bytes blocks) noexcept : bytes_(blocks) {}
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() / block_size; }
  /// The i-th block; i < size().
  [[nodiscard]] ReportBlock operator[](std::size_t i) const noexcept;

 private:
  Bytes bytes_;
};

/// RFC 3550 section 6.4.1.
struct SenderReport {
  Ssrc sender;
  std::uint64_t ntp_time = 0;  // 32.32 fixed point, seconds since 1900
  std::uint32_t rtp_timestamp = 0;
  std::uint32_t packet_count = 0;
  std::uint32_t octet_count = 0;
  ReportBlocks blocks;
};

/// RFC 3550 section 6.4.2.
struct ReceiverReport {
  Ssrc sender;
  ReportBlocks blocks;
};

/// RFC 3550 section 6.5.
class SourceDescription {
 public:
  static constexpr std::uint8_t cname_item = 1;
  SourceDescription(std::size_t chunks, Bytes body) noexcept : chunks_(chunks), body_(body) {}
  /// Calls `visit(Ssrc, std::string_view cname)` for each chunk that has a CNAME; texts borrow.
  template <typename Visit>
  void for_each_cname(Visit&& visit) const noexcept {
    ByteReader reader(body_);
    for (std::size_t i = 0; i < chunks_; ++i) {
      const std::optional<Chunk> chunk = read_chunk(reader);
      if (!chunk) return;
      if (chunk->has_cname) visit(chunk->ssrc, chunk->cname);
    }
  }
  /// Whether every chunk and item lies inside; checked by RtcpCompound.
  [[nodiscard]] bool valid() const noexcept;

 private:
  struct Chunk {
    Ssrc ssrc;
    std::string_view cname;
    bool has_cname = false;
  };
  static std::optional<Chunk> read_chunk(ByteReader& reader) noexcept;
  std::size_t chunks_;
  Bytes body_;
};

/// RFC 3550 section 6.6.
class Goodbye {
 public:
  explicit Goodbye(Bytes sources) noexcept : sources_(sources) {}
  [[nodiscard]] std::size_t size() const noexcept { return sources_.size() / 4; }
  /// The i-th source that leaves; i < size().
  [[nodiscard]] Ssrc operator[](std::size_t i) const noexcept { return {load_u32(sources_, 4 * i)}; }

 private:
  Bytes sources_;
};

/// Generic NACK (RFC 4585 section 6.2.1): pairs of a lost sequence number (pid) and a bit map of the 16 after it (blp).
class Nack {
 public:
  /// Sequence numbers that one packet may ask for; later ones are ignored.
  static constexpr std::size_t sequences_max = 256;
  Nack(Ssrc sender_ssrc, Ssrc media_ssrc, Bytes pairs) noexcept : sender(sender_ssrc), media(media_ssrc), pairs_(pairs) {}
  Ssrc sender;
  Ssrc media;
  /// Calls `visit(SequenceNumber)` for each, in the order given, at most sequences_max times. Returns how many.
  template <typename Visit>
  std::size_t for_each_lost(Visit&& visit) const noexcept {
    std::size_t count = 0;
    for (std::size_t at = 0; at + 4 <= pairs_.size(); at += 4) {
      const std::uint16_t pid = load_u16(pairs_, at);
      // pid is bit 0, blp bits 1 to 16.
      std::uint32_t bits = std::uint32_t{load_u16(pairs_, at + 2)} << 1U | 1U;
      for (std::uint16_t offset = 0; bits != 0; bits >>= 1U, ++offset) {
        if ((bits & 1U) == 0) continue;
        if (count == sequences_max) return count;
        visit(SequenceNumber{static_cast<std::uint16_t>(pid + offset)});
        ++count;
      }
    }
    return count;
  }

 private:
  Bytes pairs_;
};

/// Picture Loss Indication (RFC 4585 section 6.3.1).
struct PictureLoss {
  Ssrc sender;
  Ssrc media;
};

/// Full Intra Request (RFC 5104 section 4.3.1).
struct FirEntry {
  Ssrc media;
  std::uint8_t sequence = 0;  // of the command: a repetition keeps it
  friend constexpr bool operator==(FirEntry, FirEntry) = default;
};
class FullIntraRequest {
 public:
  FullIntraRequest(Ssrc sender_ssrc, Bytes entries) noexcept : sender(sender_ssrc), entries_(entries) {}
  Ssrc sender;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size() / 8; }
  /// The i-th entry; i < size().
  [[nodiscard]] FirEntry operator[](std::size_t i) const noexcept;

 private:
  Bytes entries_;
};

/// Receiver Estimated Maximum Bitrate (draft-alvestrand-rmcat-remb-03 section 2.2).
class ReceiverEstimate {
 public:
  ReceiverEstimate(Ssrc sender_ssrc, Bitrate estimate, Bytes sources) noexcept
      : sender(sender_ssrc), bitrate(estimate), sources_(sources) {}
  Ssrc sender;
  Bitrate bitrate;  // clamped to the range of Bitrate
  [[nodiscard]] std::size_t size() const noexcept { return sources_.size() / 4; }
  /// The i-th stream that the estimate covers; i < size().
  [[nodiscard]] Ssrc operator[](std::size_t i) const noexcept { return {load_u32(sources_, 4 * i)}; }

 private:
  Bytes sources_;
};

/// Anything else that is well framed: APP, XR, feedback formats we do not use. Skipped and counted.
struct UnknownRtcp {
  std::uint8_t packet_type = 0;
  std::uint8_t format = 0;  // the five bits behind the version and padding
};

using RtcpPacket = std::variant<SenderReport, ReceiverReport, SourceDescription, Goodbye, Nack, TransportFeedback,
                                PictureLoss, FullIntraRequest, ReceiverEstimate, UnknownRtcp>;

}  // namespace sluice
