#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "dataplane/packet/rtp_packet.hpp"
#include "dataplane/packet/vp8_descriptor.hpp"
#include "dataplane/rtp/key_frame_requester.hpp"
#include "dataplane/rtp/media_source.hpp"
#include "dataplane/rtp/nack_generator.hpp"
#include "dataplane/rtp/packet_cache.hpp"
#include "dataplane/rtp/receive_statistics.hpp"
#include "dataplane/rtp/source_clock.hpp"
#include "dataplane/transport/outgoing_packet.hpp"
#include "dataplane/transport/spec.hpp"

namespace sluice {

/// What a successor must know of one incoming layer. All zero: nothing came.
struct LayerRecord {
  ReceiveStatisticsState statistics;
  KeyFrameRequesterState key_frames;
  SourceClockState clock;
  std::uint32_t ssrc = 0;      ///< 0: not seen
  std::uint32_t rtx_ssrc = 0;  ///< 0: none
  std::uint32_t key_frame_count = 0;
  std::uint16_t width = 0;  ///< of the newest key frame; 0: unknown
  std::uint16_t height = 0;
};
static_assert(std::is_standard_layout_v<LayerRecord> && std::is_trivially_copyable_v<LayerRecord>);

/// One usable media packet of a publication, as the router forwards it. Views borrow the datagram or the cache.
struct IncomingPacket {
  MediaSource source;
  ExtendedSequenceNumber sequence;
  Codec codec = Codec::unknown;
  PacketFacts facts;
  PassedExtensions extensions;
  Bytes payload;
  std::optional<Vp8Descriptor> vp8;  ///< nothing: not VP8, or its descriptor is broken
  bool frame_start = false;
  bool key_frame = false;

  /// Parses the codec's descriptor and fills what follows from it.
  void describe_payload() noexcept;
};

/// The receiving half of one simulcast layer (or of a stream without layers): numbering, statistics, what is missing, the
/// packet cache that answers every subscriber's NACKs, key frame requests, and the clock for lip sync.
class IncomingLayer {
 public:
  /// `clock` is the publisher transport's. Goes on from a filled record.
  IncomingLayer(LayerRecord& record, PublicationId publication, std::uint8_t layer, std::uint32_t clock_rate,
                const PublisherClock& clock, const PacketCacheConfig& cache);

  [[nodiscard]] Ssrc ssrc() const noexcept { return Ssrc{record_.ssrc}; }
  [[nodiscard]] Ssrc rtx_ssrc() const noexcept { return Ssrc{record_.rtx_ssrc}; }
  [[nodiscard]] MediaSource source() const noexcept { return {publication_, ssrc(), layer_}; }
  /// The stream goes on under another SSRC: numbering, statistics and cache begin anew. False when it is the same.
  bool set_ssrc(Ssrc ssrc) noexcept;
  void set_rtx_ssrc(Ssrc ssrc) noexcept { record_.rtx_ssrc = ssrc.value; }

  /// A media packet of this SSRC: itself, or (`repaired`) taken out of an RTX packet. Nothing when it is a duplicate or too
  /// old. Remembers it, unless it is padding only (empty payload).
  [[nodiscard]] std::optional<IncomingPacket> receive(TimePoint now, const RtpPacket& packet, const CodecSpec& codec,
                                                      const HeaderExtensionIds& ids, bool repaired) noexcept;
  /// The packet as it came, from the cache; `codecs` are the publication's.
  [[nodiscard]] std::optional<IncomingPacket> recall(TimePoint now, ExtendedSequenceNumber sequence,
                                                     const std::vector<CodecSpec>& codecs) const noexcept;

  [[nodiscard]] ReceiveStatistics& statistics() noexcept { return statistics_; }
  [[nodiscard]] const ReceiveStatistics& statistics() const noexcept { return statistics_; }
  [[nodiscard]] NackGenerator& nack() noexcept { return nack_; }
  [[nodiscard]] KeyFrameRequester& key_frames() noexcept { return key_frames_; }
  [[nodiscard]] SourceClock& clock() noexcept { return clock_; }
  [[nodiscard]] const SourceClock& clock() const noexcept { return clock_; }
  [[nodiscard]] const LayerRecord& record() const noexcept { return record_; }

 private:
  LayerRecord& record_;
  PublicationId publication_;
  std::uint8_t layer_;
  ReceiveStatistics statistics_;
  NackGenerator nack_;
  PacketCache cache_;
  KeyFrameRequester key_frames_;
  SourceClock clock_;
};

}  // namespace sluice
