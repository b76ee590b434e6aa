// The half of the router that speaks RTCP.
#include <algorithm>
#include <array>
#include <charconv>
#include <variant>

#include "dataplane/packet/rtcp_compound.hpp"
#include "dataplane/router/router.hpp"

namespace sluice {
namespace {

constexpr Duration report_interval = std::chrono::seconds(1);
/// How often the wishes for key frames are looked at again: a layer becomes worth switching to by mere time.
constexpr Duration refresh_interval = std::chrono::milliseconds(200);

/// The same for all streams of one publisher, which is what receivers use to play them in step (RFC 3550 section 6.5.1).
std::string_view cname_of(const Transport& publisher, std::array<char, 20>& storage) noexcept {
  storage[0] = 's';
  const auto result = std::to_chars(storage.data() + 1, storage.data() + storage.size(), publisher.name(), 36);
  return {storage.data(), static_cast<std::size_t>(result.ptr - storage.data())};
}

}  // namespace

void Router::handle_rtcp(TimePoint now, Transport& from, Bytes bytes) noexcept {
  const auto compound = RtcpCompound::parse(bytes);
  if (!compound) return counters_.add(Counter::drop_rtcp_parse);
  compound->for_each([&](const RtcpPacket& packet) {
    if (const auto* sr = std::get_if<SenderReport>(&packet)) {
      on_sender_report(now, from, *sr);
      on_report_blocks(now, from, sr->blocks);
    } else if (const auto* rr = std::get_if<ReceiverReport>(&packet)) {
      on_report_blocks(now, from, rr->blocks);
    } else if (const auto* nack = std::get_if<Nack>(&packet)) {
      bool rtx = false;
      Subscription* subscription = receiver_of(from, nack->media, &rtx);
      if (subscription == nullptr || rtx) return;
      nack->for_each_lost([&](SequenceNumber wire) { subscription->on_nack(now, wire); });
    } else if (const auto* pli = std::get_if<PictureLoss>(&packet)) {
      if (Subscription* subscription = receiver_of(from, pli->media)) {
        subscription->on_key_frame_request(now);
        if (Publication* publication = subscription->publication()) wake(publication->sender().id().slot);
      }
    } else if (const auto* fir = std::get_if<FullIntraRequest>(&packet)) {
      for (std::size_t i = 0; i < fir->size(); ++i) {
        if (Subscription* subscription = receiver_of(from, (*fir)[i].media)) {
          subscription->on_key_frame_request(now);
          if (Publication* publication = subscription->publication()) wake(publication->sender().id().slot);
        }
      }
    } else if (const auto* feedback = std::get_if<TransportFeedback>(&packet)) {
      on_transport_feedback(now, from, *feedback);
    } else if (const auto* estimate = std::get_if<ReceiverEstimate>(&packet)) {
      on_estimate(from, *estimate);
    }
    // SDES tells nothing we use. BYE does not end a stream: browsers say it when they pause a layer and go on with the
    // same SSRC; the layer observer finds out what is silent.
  });
}

Subscription* Router::receiver_of(Transport& from, Ssrc ssrc, bool* rtx) noexcept {
  const Target* target = targets_.find(target_key(from.id().slot, ssrc));
  if (target == nullptr) {
    counters_.add(Counter::drop_rtcp_foreign);
    return nullptr;
  }
  if (rtx != nullptr) *rtx = target->rtx;
  return subscriptions_[target->subscription].get();
}

void Router::on_sender_report(TimePoint now, Transport& from, const SenderReport& report) noexcept {
  const SsrcBinding* binding = from.ssrcs().find(report.sender);
  if (binding == nullptr || binding->role != StreamRole::media) return;
  Publication* publication = publications_[binding->publication_slot].get();
  if (publication == nullptr || publication->id() != binding->publication()) return;
  IncomingLayer& layer = publication->layer(binding->layer);
  from.clock().on_sender_report(now, NtpTime{report.ntp_time});
  layer.clock().on_sender_report(now, NtpTime{report.ntp_time}, report.rtp_timestamp);
  layer.statistics().on_sender_report(now, report.ntp_time);
}

void Router::on_report_blocks(TimePoint now, Transport& from, const ReportBlocks& blocks) noexcept {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const ReportBlock block = blocks[i];
    if (Subscription* subscription = receiver_of(from, block.ssrc)) subscription->on_report(now, block);
  }
  if (!from.rtt().known()) return;
  for (Publication* publication : streams_of(from).publications) {
    for (std::uint8_t i = 0; i < publication->layer_count(); ++i) {
      publication->layer(i).nack().set_rtt(from.rtt().rtt(std::chrono::milliseconds(100)));
    }
  }
}

void Router::on_transport_feedback(TimePoint now, Transport& from, const TransportFeedback& feedback) noexcept {
  counters_.add(Counter::twcc_received);
  from.history().on_feedback(now, feedback, feedback_results_);
}

void Router::on_estimate(Transport& from, const ReceiverEstimate& estimate) noexcept {
  for (std::size_t i = 0; i < estimate.size(); ++i) {
    if (!targets_.contains(target_key(from.id().slot, estimate[i]))) return counters_.add(Counter::drop_rtcp_foreign);
  }
  streams_of(from).remb = estimate.bitrate;
}

void Router::handle_timeout(TimePoint now, Transport& transport) noexcept {
  Streams& streams = streams_of(transport);
  transport.drain(now);
  if (now >= streams.refresh_due) {
    streams.refresh_due = now + refresh_interval;
    for (Publication* publication : streams.publications) refresh_key_frames(now, *publication);
  }
  for (Publication* publication : streams.publications) {
    publication->observer().handle_timeout(now);
    if (publication->observer().take_changed()) refresh_key_frames(now, *publication);
  }
  if (!transport.can_send()) return;
  RtcpOutbox outbox(transport);
  if (!streams.subscriptions.empty()) send_sender_reports(now, transport, outbox);
  if (streams.publications.empty()) return;
  if (now >= streams.report_due) {
    streams.report_due = now + report_interval * 4 / 5 + std::chrono::milliseconds(jitter_ms(400));
    send_receiver_reports(now, transport, outbox);
  }
  send_feedback(now, transport, outbox);
  send_transport_feedback(now, transport, outbox);
}

void Router::send_sender_reports(TimePoint now, Transport& transport, RtcpOutbox& outbox) noexcept {
  for (Subscription* subscription : streams_of(transport).subscriptions) {
    if (subscription->next_report() > now) continue;
    const auto data = subscription->report(now);
    if (!data) continue;
    const Ssrc ssrc = subscription->spec().ssrc;
    const bool written = outbox.report([&](RtcpWriter& w) {
      return w.sender_report(ssrc, data->ntp.value, data->rtp_timestamp, data->packets, data->octets);
    });
    if (!written) continue;
    counters_.add(Counter::sender_reports_sent);
    std::array<char, 20> storage;
    const std::string_view cname = cname_of(subscription->publication()->sender(), storage);
    outbox.append([&](RtcpWriter& w) { return w.source_description(ssrc, cname); });
  }
}

void Router::send_receiver_reports(TimePoint now, Transport& transport, RtcpOutbox& outbox) noexcept {
  static_assert(incoming_ssrcs_max >= 31);
  std::array<ReportBlock, 31> blocks;
  std::size_t count = 0;
  std::array<Ssrc, incoming_ssrcs_max> ssrcs;
  std::size_t ssrc_count = 0;
  const auto send = [&] {
    if (count == 0) return;
    outbox.report([&](RtcpWriter& w) { return w.receiver_report(transport.rtcp_ssrc(), std::span(blocks).first(count)); });
    counters_.add(Counter::receiver_reports_sent);
    count = 0;
  };
  for (Publication* publication : streams_of(transport).publications) {
    for (std::uint8_t i = 0; i < publication->layer_count(); ++i) {
      IncomingLayer& layer = publication->layer(i);
      if (!layer.statistics().started()) continue;
      blocks[count++] = layer.statistics().report(now, layer.ssrc());
      if (ssrc_count < ssrcs.size()) ssrcs[ssrc_count++] = layer.ssrc();
      if (count == blocks.size()) send();
    }
  }
  send();
  if (ssrc_count == 0) return;
  outbox.append([&](RtcpWriter& w) { return w.source_description(transport.rtcp_ssrc(), "sluice"); });
  if (const std::uint32_t cap = transport.spec().max_receive_bitrate; cap != 0) {
    outbox.append([&](RtcpWriter& w) {
      return w.receiver_estimate(transport.rtcp_ssrc(), Bitrate{cap}, std::span(ssrcs).first(ssrc_count));
    });
  }
}

void Router::send_feedback(TimePoint now, Transport& transport, RtcpOutbox& outbox) noexcept {
  std::array<SequenceNumber, NackGenerator::batch_max> lost;
  for (Publication* publication : streams_of(transport).publications) {
    const CodecSpec* codec = publication->codec();
    if (codec == nullptr) continue;
    for (std::uint8_t i = 0; i < publication->layer_count(); ++i) {
      IncomingLayer& layer = publication->layer(i);
      const Ssrc media = layer.ssrc();
      while (codec->nack && layer.nack().next_deadline() <= now) {
        const std::size_t count = layer.nack().poll(now, lost);
        if (count == 0) break;
        counters_.add(Counter::nacks_sent, count);
        outbox.append([&](RtcpWriter& w) { return w.nack(transport.rtcp_ssrc(), media, std::span(lost).first(count)); });
      }
      if (layer.nack().take_key_frame_needed() && publication->spec().kind == MediaKind::video &&
          !publication->subscribers().empty()) {
        layer.key_frames().want(now);
      }
      if (!layer.key_frames().poll(now) || media == Ssrc{}) continue;
      counters_.add(Counter::plis_sent);
      outbox.append([&](RtcpWriter& w) { return w.picture_loss(transport.rtcp_ssrc(), media); });
    }
  }
}

void Router::send_transport_feedback(TimePoint now, Transport& transport, RtcpOutbox& outbox) noexcept {
  if (transport.feedback().next_deadline() > now) return;
  Ssrc media;  // any stream of the transport: the numbers are common to all
  for (Publication* publication : streams_of(transport).publications) {
    for (std::uint8_t i = 0; i < publication->layer_count() && media == Ssrc{}; ++i) media = publication->layer(i).ssrc();
  }
  while (transport.feedback().poll(now, feedback_writer_)) {
    counters_.add(Counter::twcc_sent);
    outbox.append([&](RtcpWriter& w) { return w.transport_feedback(transport.rtcp_ssrc(), media, feedback_writer_); });
  }
}

TimePoint Router::next_deadline(TimePoint now, Transport& transport) noexcept {
  const Streams& streams = streams_of(transport);
  TimePoint next = transport.next_pacing(now);
  if (!transport.can_send()) {  // what waits to be said waits for the path: see on_receiver_ready
    if (!streams.publications.empty()) next = std::min(next, streams.refresh_due);
    return next;
  }
  if (!streams.publications.empty())
    next = std::min({next, streams.refresh_due, streams.report_due, next_publishing_deadline(transport)});
  for (const Publication* publication : streams.publications) next = std::min(next, publication->observer().next_deadline());
  for (const Subscription* subscription : streams.subscriptions) next = std::min(next, subscription->next_report());
  return next;
}

TimePoint Router::next_publishing_deadline(Transport& transport) noexcept {
  TimePoint next = transport.feedback().next_deadline();
  for (Publication* publication : streams_of(transport).publications) {
    const CodecSpec* codec = publication->codec();
    if (codec == nullptr) continue;
    for (std::uint8_t i = 0; i < publication->layer_count(); ++i) {
      IncomingLayer& layer = publication->layer(i);
      if (codec->nack) next = std::min(next, layer.nack().next_deadline());
      next = std::min(next, layer.key_frames().next_deadline());
    }
  }
  return next;
}

}  // namespace sluice
