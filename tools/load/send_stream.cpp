#include "tools/load/send_stream.hpp"

#include <algorithm>

#include "dataplane/packet/rtp_header_writer.hpp"
#include "dataplane/packet/rtx.hpp"
#include "dataplane/rtp/ntp_time.hpp"
#include "shm/types/byte_order.hpp"
#include "tools/load/session_description.hpp"

namespace sluice::load {

namespace {

constexpr Duration patience = std::chrono::milliseconds(200);
constexpr std::size_t descriptor_size = 6;     // X, ILT, 15-bit picture id, TL0PICIDX, TID
constexpr std::size_t frame_header_size = 10;  // of key frames; other frames get as much filler
constexpr std::uint16_t picture_id_mask = 0x7fff;
constexpr std::byte opus_toc{0xf8};  // CELT, full band, 20 ms, mono, one frame (RFC 6716 section 3.1)
constexpr std::size_t audio_payload = MediaSettings::audio_bits_per_second / 8 / MediaSettings::audio_packets_per_second;

/// Filler that does not compress and costs a copy only.
const std::array<std::byte, SendStream::payload_max>& filler() {
  static const auto bytes = [] {
    std::array<std::byte, SendStream::payload_max> out{};
    std::minstd_rand random(7);
    for (std::byte& byte : out) byte = static_cast<std::byte>(random() >> 8U);
    return out;
  }();
  return bytes;
}

}  // namespace

SendStream::SendStream(const SendSpec& spec, const MediaSettings& settings, std::uint8_t mid_extension,
                       std::uint8_t transport_cc_extension, TimePoint start, std::uint64_t seed)
    : spec_(spec),
      sizes_(settings.video_bits_per_second, MediaSettings::frames_per_second, seed),
      mid_extension_(mid_extension),
      transport_cc_extension_(transport_cc_extension),
      start_(start),
      due_(start),
      next_key_frame_(start) {
  std::mt19937_64 random(seed);
  timestamp_base_ = static_cast<std::uint32_t>(random());
  sequence_ = static_cast<std::uint16_t>(random() & 0x7fffU);  // RFC 3711: below 2^15, so that an early loss hides no wrap
  rtx_sequence_ = static_cast<std::uint16_t>(random() & 0x7fffU);
  picture_id_ = static_cast<std::uint16_t>(random() & picture_id_mask);
  // Streams of a run do not tick in step.
  due_ +=
      Duration(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(MediaSettings::interval(spec.kind).count())));
  if (spec.rtx_ssrc.value != 0) history_.resize(history_size);
}

std::uint32_t SendStream::timestamp_at(TimePoint time) const noexcept {
  const auto rate = static_cast<std::int64_t>(MediaSettings::clock_rate(spec_.kind));
  const std::int64_t microseconds = (time - start_).count() / 1000;
  return timestamp_base_ + static_cast<std::uint32_t>(microseconds * rate / 1'000'000);
}

Duration SendStream::produce(TimePoint now, PacketSink& sink) {
  const Duration interval = MediaSettings::interval(spec_.kind);
  const Duration late = now - due_;
  while (now - due_ > patience) {
    due_ += interval;
    ++left_out_;
  }
  timestamp_ = timestamp_at(due_);
  if (spec_.kind == MediaKind::video) {
    produce_video(now, sink);
  } else {
    produce_audio(sink);
  }
  due_ += interval;
  ++frame_;
  return late;
}

void SendStream::produce_audio(PacketSink& sink) {
  const std::array<std::byte, 1> head{opus_toc};
  send(sink, head, audio_payload, {.stream = spec_.stream, .counter = counter_, .sent = {}, .frame = frame_}, frame_ == 0);
}

void SendStream::produce_video(TimePoint now, PacketSink& sink) {
  const bool key_frame = std::exchange(key_frame_due_, false) || now >= next_key_frame_;
  if (key_frame) {
    next_key_frame_ = now + MediaSettings::key_frame_interval;
    ++key_frames_;
  }
  constexpr std::size_t minimum = descriptor_size + frame_header_size + MediaStamp::size;
  const std::size_t size = sizes_.next(key_frame, minimum);
  const std::size_t count = std::min<std::size_t>((size + payload_max - 1) / payload_max, 400);
  const std::size_t share = std::clamp(size / count, minimum, payload_max);
  for (std::size_t i = 0; i < count; ++i) {
    std::array<std::byte, descriptor_size + frame_header_size> head{};
    ByteWriter writer{MutableBytes(head)};
    writer.u8(i == 0 ? 0x90 : 0x80);  // X, S
    writer.u8(0xe0);                  // I, L, T
    writer.u16(static_cast<std::uint16_t>(0x8000U | picture_id_));
    writer.u8(tl0_picture_index_);
    writer.u8(0);  // TID 0
    if (i == 0 && key_frame) {
      writer.u24(0x100000);  // frame tag with a clear P bit: key frame
      writer.u24(0x9d012a);
      writer.u16(0x8002);  // 640 by 360, little-endian
      writer.u16(0x6801);
    } else if (i == 0) {
      writer.u8(0x11);
      writer.fill(std::byte{0}, frame_header_size - 1);
    }
    send(sink, writer.written(), share,
         {.stream = spec_.stream,
          .counter = counter_,
          .sent = {},
          .frame = frame_,
          .index = static_cast<std::uint16_t>(i),
          .count = static_cast<std::uint16_t>(count),
          .key_frame = key_frame},
         i + 1 == count);
  }
  picture_id_ = static_cast<std::uint16_t>((picture_id_ + 1) & picture_id_mask);
  ++tl0_picture_index_;
}

std::size_t SendStream::write_header(MutableBytes out, bool rtx, std::uint16_t sequence, std::uint32_t timestamp,
                                     bool marker, PacketSink& sink) const {
  const std::uint8_t codec = spec_.kind == MediaKind::video ? OfferNumbers::vp8 : OfferNumbers::opus;
  RtpHeaderWriter writer({.payload_type = PayloadType{rtx ? OfferNumbers::rtx : codec},
                          .sequence_number = SequenceNumber{sequence},
                          .timestamp = timestamp,
                          .ssrc = rtx ? spec_.rtx_ssrc : spec_.ssrc,
                          .marker = marker});
  if (!mid_known_) writer.add(mid_extension_, as_bytes(spec_.mid));
  writer.reserve_transport_sequence_number(transport_cc_extension_);
  const std::optional<RtpHeaderLayout> layout = writer.write(out);
  if (!layout) return 0;
  if (transport_cc_extension_ != 0) layout->patch_transport_sequence_number(out, sink.next_transport_number());
  return layout->header_size;
}

void SendStream::send(PacketSink& sink, Bytes head, std::size_t size, MediaStamp stamp, bool marker) {
  const MutableBytes out = sink.begin();
  const std::size_t header = write_header(out, false, sequence_, timestamp_, marker, sink);
  const MutableBytes payload = out.subspan(header, size);
  std::copy(head.begin(), head.end(), payload.begin());
  stamp.sent = sink.send_time();
  (void)stamp.write(payload.subspan(head.size()));
  const std::size_t filled = head.size() + MediaStamp::size;
  std::copy_n(filler().begin(), size - filled, payload.begin() + static_cast<std::ptrdiff_t>(filled));
  if (!history_.empty()) {
    Sent& sent = history_[sequence_ % history_size];
    sent.used = true;
    sent.marker = marker;
    sent.sequence = sequence_;
    sent.timestamp = timestamp_;
    sent.payload.assign(payload.begin(), payload.end());
  }
  ++sequence_;
  ++counter_;
  octets_ += size;
  sink.end(header + size);
}

bool SendStream::retransmit(SequenceNumber number, PacketSink& sink) {
  if (history_.empty()) return false;
  const Sent& sent = history_[number.value % history_size];
  if (!sent.used || sent.sequence != number.value) return false;
  const MutableBytes out = sink.begin();
  const std::size_t header = write_header(out, true, rtx_sequence_, sent.timestamp, sent.marker, sink);
  const std::optional<std::size_t> size = rtx_encapsulate(out.subspan(header), number, sent.payload);
  if (!size) return false;
  ++rtx_sequence_;
  ++retransmitted_;
  sink.end(header + *size);
  return true;
}

void SendStream::write_report(TimePoint now, RtcpWriter& out) const {
  if (counter_ == 0) return;
  if (out.sender_report(spec_.ssrc, to_ntp(now).value, timestamp_at(now), static_cast<std::uint32_t>(counter_),
                        static_cast<std::uint32_t>(octets_)))
    out.source_description(spec_.ssrc, "load");
}

}  // namespace sluice::load
