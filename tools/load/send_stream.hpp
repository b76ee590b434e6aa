#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/packet/rtcp_writer.hpp"
#include "shm/types/sequence_number.hpp"
#include "tools/load/media_spec.hpp"
#include "tools/load/media_stamp.hpp"
#include "tools/load/packet_sink.hpp"
#include "tools/load/video_sizes.hpp"

namespace sluice::load {

/// One published stream: VP8-like video (RFC 7741; valid descriptors and frame headers, filler inside) or Opus-like audio.
class SendStream {
 public:
  /// Bytes behind an RTP header; with RTX and extensions below what every path carries.
  static constexpr std::size_t payload_max = 1150;

  /// `extensions`: ids of mid and transport-wide-cc, 0 when not negotiated.
  SendStream(const SendSpec& spec, const MediaSettings& settings, std::uint8_t mid_extension,
             std::uint8_t transport_cc_extension, TimePoint start, std::uint64_t seed);

  [[nodiscard]] TimePoint next_due() const noexcept { return due_; }
  /// The packets of the frame that is due at `now`. What was missed by more than 200 ms is left out.
  /// Returns how late it is.
  Duration produce(TimePoint now, PacketSink& sink);
  /// PLI or FIR: the next frame is a key frame.
  void request_key_frame() noexcept { key_frame_due_ = true; }
  /// NACK: the packet once more by RTX (RFC 4588), if it is remembered and RTX negotiated.
  bool retransmit(SequenceNumber number, PacketSink& sink);
  /// A report block about this stream came: the receiver knows its SSRC, so the mid is left out from now on.
  void on_report() noexcept { mid_known_ = true; }
  /// SR and SDES (RFC 3550 section 6.4.1).
  void write_report(TimePoint now, RtcpWriter& out) const;

  [[nodiscard]] const SendSpec& spec() const noexcept { return spec_; }
  /// Packets with a stamp, without retransmissions: the counters 0 to packets() - 1 exist.
  [[nodiscard]] std::uint64_t packets() const noexcept { return counter_; }
  [[nodiscard]] std::uint64_t retransmitted() const noexcept { return retransmitted_; }
  [[nodiscard]] std::uint64_t frames_left_out() const noexcept { return left_out_; }
  [[nodiscard]] std::uint64_t key_frames() const noexcept { return key_frames_; }

 private:
  struct Sent {
    bool used = false;
    bool marker = false;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::vector<std::byte> payload;
  };
  static constexpr std::size_t history_size = 1024;  // packets: more than a second of video at 8 Mbit/s

  void produce_audio(PacketSink& sink);
  void produce_video(TimePoint now, PacketSink& sink);
  [[nodiscard]] std::size_t write_header(MutableBytes out, bool rtx, std::uint16_t sequence, std::uint32_t timestamp,
                                         bool marker, PacketSink& sink) const;
  /// Stamp and filler into the rest of a payload of `size` bytes.
  void send(PacketSink& sink, Bytes head, std::size_t size, MediaStamp stamp, bool marker);
  [[nodiscard]] std::uint32_t timestamp_at(TimePoint time) const noexcept;

  SendSpec spec_;
  VideoSizes sizes_;
  std::uint8_t mid_extension_;
  std::uint8_t transport_cc_extension_;
  TimePoint start_;
  TimePoint due_;
  TimePoint next_key_frame_;
  std::uint32_t timestamp_base_;
  std::uint32_t timestamp_ = 0;
  std::uint16_t sequence_;
  std::uint16_t rtx_sequence_;
  std::uint16_t picture_id_;
  std::uint8_t tl0_picture_index_ = 0;
  std::uint32_t frame_ = 0;
  std::uint64_t counter_ = 0;
  std::uint64_t octets_ = 0;
  std::uint64_t retransmitted_ = 0;
  std::uint64_t left_out_ = 0;
  std::uint64_t key_frames_ = 0;
  bool key_frame_due_ = true;
  bool mid_known_ = false;
  std::vector<Sent> history_;  // by sequence number modulo history_size; empty without RTX
};

}  // namespace sluice::load
