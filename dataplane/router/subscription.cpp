#include "dataplane/router/subscription.hpp"

#include <algorithm>
#include <span>

#include "dataplane/memory/prefetch.hpp"
#include "dataplane/memory/require.hpp"

namespace sluice {
namespace {

template <typename T>
T random_of(Entropy& entropy) {
  T value{};
  entropy.fill(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

/// Below 2^15, so that the receiver guesses rollover counter 0 for the first packet it gets (RFC 3711 section 3.3.1).
SequenceNumber first_sequence(Entropy& entropy) {
  return {static_cast<std::uint16_t>(random_of<std::uint16_t>(entropy) & 0x7fffU)};
}

SubscriptionRecord& prepared(SubscriptionRecord& record, const SubscriptionSpec& spec) {
  const bool same = record.id == spec.id.packed() && record.transport == spec.transport.packed() &&
                    record.ssrc == spec.ssrc.value && record.rtx_ssrc == spec.rtx_ssrc.value;
  if (same) return record;
  record = SubscriptionRecord{};
  record.ssrc = spec.ssrc.value;
  record.rtx_ssrc = spec.rtx_ssrc.value;
  record.transport = spec.transport.packed();
  record.id = spec.id.packed();
  return record;
}

std::uint32_t clock_rate_of(const SubscriptionSpec& spec) {
  if (!spec.codecs.empty()) return spec.codecs.front().clock_rate;
  return spec.kind == MediaKind::audio ? 48'000 : 90'000;
}

Vp8PictureFields fields_of(const Vp8Descriptor& vp8) noexcept {
  return {vp8.picture_id.value_or(0), vp8.tl0_picture_index.value_or(0), vp8.picture_id_is_15_bits};
}

/// How many packets behind a switch are taken out of the cache: more reordering than that is loss.
constexpr std::int64_t catch_up_max = 128;

/// Puts the descriptor of `payload`, with `fields`, behind what is in the prefix, and leaves the rest as shared payload.
void rewrite_descriptor(OutgoingPacket& out, const Vp8Descriptor& vp8, const Vp8PictureFields& fields,
                        Bytes payload) noexcept {
  const std::size_t at = out.prefix_size;
  const std::size_t size = std::min<std::size_t>(vp8.size, out.prefix.size() - at);
  std::copy_n(payload.begin(), size, out.prefix.begin() + static_cast<std::ptrdiff_t>(at));
  const MutableBytes descriptor = MutableBytes(out.prefix).subspan(at, size);
  vp8.rewrite_picture_id(descriptor, fields.picture_id);
  vp8.rewrite_tl0_picture_index(descriptor, fields.tl0_picture_index);
  out.prefix_size = static_cast<std::uint8_t>(at + size);
  out.payload = payload.subspan(size);
}

}  // namespace

Subscription::Subscription(const SubscriptionSpec& spec, SubscriptionRecord& record, Transport& receiver,
                           CounterBlock& counters, Entropy& entropy)
    : spec_(spec),
      record_(prepared(record, spec)),
      receiver_(receiver),
      counters_(counters),
      rewriter_(record_.rewriter, {first_sequence(entropy), random_of<std::uint32_t>(entropy), clock_rate_of(spec)}),
      vp8_(record_.vp8),
      switcher_(record_.switcher),
      rtx_(record_.rtx, RtxConfig{.first_sequence = first_sequence(entropy)}),
      reporter_(record_.reporter, clock_rate_of(spec)),
      limiter_(record_.limiter),
      media_sender_(record_.media_sender, receiver.sealer(), spec.ssrc),
      rtx_sender_(record_.rtx_sender, receiver.sealer(), spec.rtx_ssrc) {
  adopted_ = rewriter_.source().valid();
  require(update(spec));
}

bool Subscription::update(const SubscriptionSpec& spec) {
  if (spec.transport != spec_.transport || spec.ssrc != spec_.ssrc || spec.rtx_ssrc != spec_.rtx_ssrc ||
      spec.kind != spec_.kind) {
    return false;
  }
  const bool opened = spec.active && !spec_.active;
  spec_ = spec;
  switcher_.set_ceiling(spec.max_layer == any_layer ? std::nullopt : std::optional(spec.max_layer));
  if (opened || !spec.active) restart();
  return true;
}

void Subscription::fill_with(Publication* publication) noexcept {
  if (publication_ == publication) return;
  publication_ = publication;
  if (publication != nullptr && std::exchange(adopted_, false) && spec_.active &&
      rewriter_.source().publication == publication->id()) {
    begin_anew_ = false;
    return;
  }
  restart();
}

void Subscription::forget_layer(std::uint8_t layer) noexcept {
  if (current_layer() == layer) begin_anew_ = true;
  switcher_.forget_layer(layer);
}

void Subscription::restart() noexcept {
  switcher_.restart();
  begin_anew_ = true;
}

void Subscription::prefetch_own() const noexcept {
  const auto* begin = reinterpret_cast<const std::byte*>(this);
  const auto* limiter = reinterpret_cast<const std::byte*>(&limiter_);  // what lies behind it is for other times
  prefetch(begin, static_cast<std::size_t>(limiter - begin));
  prefetch(&media_sender_);
  prefetch(&totals_);
}

void Subscription::prefetch_parts() const noexcept {
  prefetch(&record_.rewriter);
  prefetch(&record_.vp8, sizeof record_.vp8);
  prefetch(&record_.switcher);
  prefetch(&record_.reporter);
  prefetch(&record_.media_sender);
  prefetch(spec_.codecs.data(), sizeof(CodecSpec));
  receiver_.prefetch_own();
}

void Subscription::prefetch_places() const noexcept {
  rewriter_.prefetch_next();
  if (spec_.kind == MediaKind::video) vp8_.prefetch_next();
  receiver_.prefetch_next();
}

void Subscription::on_packet(TimePoint now, const IncomingPacket& packet) noexcept {
  if (!open() || !receiver_.can_send()) return;
  const CodecSpec* codec = find_codec(spec_.codecs, packet.codec);
  if (codec == nullptr) return counters_.add(Counter::drop_codec_receiver);
  if (!is_plain(packet)) return judge(now, *codec, packet);
  // Layers whose key frames we cannot see cannot be switched: then only the first one is forwarded.
  if (packet.source.layer != 0) return;
  if (begin_anew_ || !(rewriter_.source() == packet.source)) begin(now, packet);
  deliver(now, *codec, packet);
}

void Subscription::judge(TimePoint now, const CodecSpec& codec, const IncomingPacket& packet) noexcept {
  const SwitcherPacket seen{.layer = packet.source.layer,
                            .sequence = packet.sequence,
                            .rtp_timestamp = packet.facts.rtp_timestamp,
                            .frame_start = packet.frame_start,
                            .key_frame = packet.key_frame,
                            .temporal_id = packet.vp8 ? packet.vp8->temporal_id.value_or(0) : std::uint8_t{0},
                            .layer_sync = packet.vp8 && packet.vp8->layer_sync};
  switch (switcher_.on_packet(now, publication_->observer(), seen)) {
    case Verdict::drop:
      return;
    case Verdict::skip:
      return leave_out(now, codec, packet);
    case Verdict::late:
    case Verdict::forward:
      return deliver(now, codec, packet);
    case Verdict::switched:
      begin(now, packet);
      deliver(now, codec, packet);
      return catch_up(now, codec, packet);
  }
}

void Subscription::begin(TimePoint now, const IncomingPacket& packet) noexcept {
  begin_anew_ = false;
  began_ = true;
  const MediaSource before = rewriter_.source();
  std::optional<Duration> elapsed;
  if (before.publication == packet.source.publication && before.layer < publication_->layer_count() &&
      publication_->layer(before.layer).ssrc() == before.ssrc && rewriter_.state().forwarded) {
    elapsed = elapsed_between(publication_->layer(before.layer).clock(), rewriter_.state().source_timestamp,
                              publication_->layer(packet.source.layer).clock(), packet.facts.rtp_timestamp);
  }
  rewriter_.begin_source(now, packet.source, packet.sequence, packet.facts.rtp_timestamp, elapsed);
  if (packet.vp8) vp8_.begin_source(packet.source, fields_of(*packet.vp8));
}

void Subscription::catch_up(TimePoint now, const CodecSpec& codec, const IncomingPacket& first) noexcept {
  const IncomingLayer& layer = publication_->layer(first.source.layer);
  const std::int64_t behind = std::min(layer.statistics().highest() - first.sequence, catch_up_max);
  for (std::int64_t i = 1; i <= behind; ++i) {
    const auto packet = layer.recall(now, first.sequence.plus(i), publication_->spec().codecs);
    if (packet && !is_plain(*packet)) judge(now, codec, *packet);
  }
}

void Subscription::deliver(TimePoint now, const CodecSpec& codec, const IncomingPacket& packet) noexcept {
  OutgoingPacket out;
  out.payload = packet.payload;
  std::uint32_t tag = 0;
  if (packet.vp8 && packet.vp8->picture_id) {
    const auto fields = vp8_.map(packet.source, fields_of(*packet.vp8));
    if (!fields) return leave_out(now, codec, packet);
    tag = Vp8Rewriter::to_tag(*fields);
    rewrite_descriptor(out, *packet.vp8, *fields, packet.payload);
  }
  const auto header = rewriter_.forward(now, packet.source, packet.sequence, packet.facts.rtp_timestamp, tag);
  if (!header) return;
  out.sender = &media_sender_;
  out.sequence = header->sequence;
  out.header = {.payload_type = PayloadType{codec.payload_type},
                .sequence_number = header->sequence.on_wire(),
                .timestamp = header->rtp_timestamp,
                .ssrc = spec_.ssrc,
                .marker = packet.facts.marker};
  out.mid = spec_.mid.view();
  out.extensions = packet.extensions;
  out.transport_cc = codec.transport_cc;
  receiver_.enqueue(now, spec_.kind == MediaKind::audio ? SendClass::audio : SendClass::video, out);
  const std::size_t payload = packet.payload.size();
  reporter_.on_packet_sent(now, header->rtp_timestamp, payload);
  rtx_.on_media_sent(now, DataSize{static_cast<std::int64_t>(payload) + 20});
  ++totals_.packets;
  totals_.bytes += payload;
  counters_.add(Counter::forwarded_packets);
  counters_.add(Counter::forwarded_bytes, payload);
}

void Subscription::leave_out(TimePoint now, const CodecSpec& codec, const IncomingPacket& packet) noexcept {
  if (packet.vp8 && packet.vp8->picture_id) vp8_.skip(packet.source, fields_of(*packet.vp8));
  if (const auto header = rewriter_.skip(packet.source, packet.sequence, packet.facts.rtp_timestamp))
    send_empty(now, codec, *header);
}

void Subscription::on_padding(TimePoint now, const IncomingPacket& packet) noexcept {
  if (!open() || !receiver_.can_send() || !(rewriter_.source() == packet.source)) return;
  // While it waits to begin anew, what the source sends is dropped: a place for padding would be a hole for good.
  const bool flows = is_plain(packet) ? !begin_anew_ : switcher_.current() == packet.source.layer;
  if (!flows) return;
  const CodecSpec* codec = find_codec(spec_.codecs, packet.codec);
  if (codec == nullptr) return;
  if (const auto header = rewriter_.skip(packet.source, packet.sequence, packet.facts.rtp_timestamp))
    send_empty(now, *codec, *header);
}

void Subscription::send_empty(TimePoint now, const CodecSpec& codec, const RewrittenHeader& header) noexcept {
  OutgoingPacket out;
  out.sender = &media_sender_;
  out.sequence = header.sequence;
  out.header = {.payload_type = PayloadType{codec.payload_type},
                .sequence_number = header.sequence.on_wire(),
                .timestamp = header.rtp_timestamp,
                .ssrc = spec_.ssrc};
  out.mid = spec_.mid.view();
  out.transport_cc = codec.transport_cc;
  receiver_.enqueue(now, SendClass::padding, out);
}

void Subscription::on_nack(TimePoint now, SequenceNumber wire) noexcept {
  ++totals_.nacks;
  counters_.add(Counter::nacks_received);
  if (spec_.rtx_ssrc == Ssrc{} || !open()) return;
  const auto sent = rewriter_.lookup(wire);
  if (!sent || sent->source.publication != publication_->id() || sent->source.layer >= publication_->layer_count() ||
      publication_->layer(sent->source.layer).ssrc() != sent->source.ssrc) {
    return counters_.add(Counter::rtx_cache_misses);
  }
  const auto packet =
      publication_->layer(sent->source.layer).recall(now, sent->source_sequence, publication_->spec().codecs);
  if (!packet) return counters_.add(Counter::rtx_cache_misses);
  const CodecSpec* codec = find_codec(spec_.codecs, packet->codec);
  if (codec == nullptr || codec->rtx_payload_type == no_payload_type) return;
  const auto fields = Vp8Rewriter::from_tag(sent->codec_tag);
  // A hole that was never filled has no picture fields of its own; it is filled when its packet comes.
  if (packet->vp8 && packet->vp8->picture_id && !fields) return counters_.add(Counter::rtx_cache_misses);
  const DataSize size{static_cast<std::int64_t>(packet->payload.size()) + 22};
  if (rtx_.admit(now, sent->out, size) != RtxVerdict::send) return counters_.add(Counter::rtx_refused);

  OutgoingPacket out;
  store_u16(out.prefix, 0, sent->out.on_wire().value);  // RFC 4588 section 4: the original sequence number
  out.prefix_size = 2;
  out.payload = packet->payload;
  if (packet->vp8 && fields) rewrite_descriptor(out, *packet->vp8, *fields, packet->payload);
  out.sender = &rtx_sender_;
  out.sequence = rtx_.claim_sequence(DataSize{static_cast<std::int64_t>(packet->payload.size()) + 2});
  out.header = {.payload_type = PayloadType{codec->rtx_payload_type},
                .sequence_number = out.sequence.on_wire(),
                .timestamp = packet->facts.rtp_timestamp + sent->timestamp_offset,
                .ssrc = spec_.rtx_ssrc,
                .marker = packet->facts.marker};
  out.mid = spec_.mid.view();
  out.extensions = packet->extensions;
  out.transport_cc = codec->transport_cc;
  receiver_.enqueue(now, SendClass::rtx, out);
  ++totals_.retransmitted;
  counters_.add(Counter::rtx_sent);
}

void Subscription::on_key_frame_request(TimePoint now) noexcept {
  ++totals_.key_frame_requests;
  counters_.add(Counter::plis_received);
  if (spec_.kind != MediaKind::video || !open() || !limiter_.accept(now)) return;
  ask_for_key_frame(now);
}

void Subscription::ask_for_key_frame(TimePoint now) noexcept {
  std::optional<std::uint8_t> layer = current_layer();
  if (!layer) layer = target_layer(now);
  if (!layer || *layer >= publication_->layer_count()) return;
  KeyFrameRequester& requester = publication_->layer(*layer).key_frames();
  if (requester.wanted()) counters_.add(Counter::key_frame_requests_merged);
  requester.want(now);
}

void Subscription::on_report(TimePoint now, const ReportBlock& block) noexcept {
  if (block.ssrc != spec_.ssrc) return;
  totals_.fraction_lost = block.fraction_lost;
  rtx_.set_fraction_lost(block.fraction_lost);
  if (const auto rtt = reporter_.round_trip(now, block.last_sr, block.delay_since_last_sr)) {
    receiver_.rtt().on_sample(*rtt);
    rtx_.set_rtt(receiver_.rtt().rtt(*rtt));
  }
}

std::optional<std::uint8_t> Subscription::key_frame_wanted(TimePoint now) const noexcept {
  if (!open() || spec_.kind != MediaKind::video) return std::nullopt;
  return switcher_.key_frame_wanted(now, publication_->observer());
}

std::optional<std::uint8_t> Subscription::current_layer() const noexcept {
  if (!open()) return std::nullopt;
  if (spec_.kind == MediaKind::video) return switcher_.current();
  return begin_anew_ ? std::nullopt : std::optional<std::uint8_t>(0);
}

std::optional<std::uint8_t> Subscription::target_layer(TimePoint now) const noexcept {
  if (!open()) return std::nullopt;
  if (spec_.kind == MediaKind::video) return switcher_.target(now, publication_->observer());
  return std::uint8_t{0};
}

std::optional<SenderReportData> Subscription::report(TimePoint now) noexcept {
  if (publication_ == nullptr) return std::nullopt;
  const MediaSource source = rewriter_.source();
  const std::uint8_t layer = source.layer < publication_->layer_count() ? source.layer : std::uint8_t{0};
  return reporter_.report(now, publication_->layer(layer).clock(), rewriter_.timestamp_offset());
}

}  // namespace sluice
