#include "tools/load/media_peer.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "dataplane/packet/packet_class.hpp"
#include "dataplane/packet/rtcp_compound.hpp"
#include "dataplane/packet/rtcp_writer.hpp"
#include "dataplane/packet/rtp_packet.hpp"
#include "tools/load/clock.hpp"

namespace sluice::load {

namespace {

constexpr Duration report_interval = std::chrono::seconds(1);
constexpr Duration look_interval = std::chrono::milliseconds(50);
constexpr std::size_t rtcp_room = 1200;
constexpr std::size_t blocks_max = 31;

}  // namespace

MediaPeer::MediaPeer(PeerSpec spec, const MediaShared& shared, TimePoint now)
    : spec_(std::move(spec)),
      shared_(shared),
      dtls_(*shared.identity, spec_.fingerprint, [this](Bytes datagram) { send_plain(datagram); }),
      consent_(now, spec_.local, spec_.remote, spec_.seed),
      random_(static_cast<std::minstd_rand::result_type>(spec_.seed % 2'000'000'000 + 1)),
      own_ssrc_{static_cast<std::uint32_t>(spec_.seed * 2'654'435'761U) | 1U} {
  for (const ReceiveSpec& receive : spec_.receives) {
    receives_.push_back(std::make_unique<ReceiveStream>(receive));
    routes_[receive.ssrc] = {receives_.back().get(), false};
    if (receive.rtx_ssrc.value != 0) routes_[receive.rtx_ssrc] = {receives_.back().get(), true};
  }
}

MediaPeer::~MediaPeer() {
  if (spec_.socket >= 0) close(spec_.socket);
}

void MediaPeer::start() {
  dtls_.start();
  shared_.out->flush(spec_.socket);
}

MutableBytes MediaPeer::begin() {
  if (shared_.out->full()) shared_.out->flush(spec_.socket);
  return shared_.out->begin().first(PacketSink::room);
}

void MediaPeer::end(std::size_t size) {
  const std::optional<std::size_t> whole = srtp_->protect_rtp(shared_.out->begin(), size);
  if (!whole) return;
  if (!drops()) shared_.out->end(*whole);
  ++counts_.sent;
}

TimePoint MediaPeer::send_time() const {
  return monotonic_now();
}

bool MediaPeer::drops() noexcept {
  if (shared_.drop <= 0 || std::uniform_real_distribution<double>()(random_) >= shared_.drop) return false;
  ++counts_.dropped;
  return true;
}

void MediaPeer::send_plain(Bytes datagram) {
  if (shared_.out->full()) shared_.out->flush(spec_.socket);
  const MutableBytes space = shared_.out->begin();
  if (datagram.size() > space.size()) return;
  std::copy(datagram.begin(), datagram.end(), space.begin());
  shared_.out->end(datagram.size());
}

void MediaPeer::send_rtcp(const std::function<void(RtcpWriter&)>& write) {
  if (shared_.out->full()) shared_.out->flush(spec_.socket);
  const MutableBytes space = shared_.out->begin();
  RtcpWriter writer(space.first(rtcp_room));
  write(writer);
  if (writer.empty()) return;
  const std::optional<std::size_t> whole = srtp_->protect_rtcp(space, writer.size());
  if (whole && !drops()) shared_.out->end(*whole);
}

void MediaPeer::after_dtls(TimePoint now) {
  if (srtp_ == nullptr && dtls_.state() == DtlsClient::State::connected) {
    if (const std::optional<DtlsKeys> keys = dtls_.export_keys()) {
      srtp_ = std::make_unique<SrtpSession>(shared_.identity->profile(), keys->send, keys->receive);
      inbound_ = std::make_unique<AuditedSrtp>(*srtp_, shared_.audit, shared_.on_repeat);
      std::uint64_t seed = spec_.seed;
      for (const SendSpec& send : spec_.sends)
        sends_.push_back(std::make_unique<SendStream>(send, shared_.settings, spec_.mid_extension,
                                                      spec_.transport_cc_extension, now, ++seed * 7919));
      next_report_ = now + report_interval / 2;
      next_look_ = receives_.empty() ? never : now + look_interval;
    }
  }
  const bool bad = dtls_.state() == DtlsClient::State::failed || dtls_.state() == DtlsClient::State::closed;
  if (bad && !std::exchange(told_problem_, true))
    shared_.on_problem(dtls_.state() == DtlsClient::State::closed ? "the server closed the DTLS association"
                                                                  : dtls_.failure());
}

void MediaPeer::on_datagram(TimePoint arrival, TimePoint now, MutableBytes datagram) {
  switch (classify(datagram)) {
    case PacketClass::stun:
      consent_.on_datagram(now, datagram);
      break;
    case PacketClass::dtls:
      dtls_.on_datagram(datagram);
      after_dtls(now);
      break;
    case PacketClass::rtp:
      if (srtp_ != nullptr && !drops()) on_rtp(arrival, datagram);
      break;
    case PacketClass::rtcp:
      if (srtp_ != nullptr && !drops()) on_rtcp(arrival, datagram);
      break;
    case PacketClass::unknown:
      ++counts_.malformed;
      break;
  }
  if (!shared_.out->empty()) shared_.out->flush(spec_.socket);
}

void MediaPeer::on_rtp(TimePoint arrival, MutableBytes datagram) {
  const auto header = RtpPacket::parse_header(datagram);
  if (!header) {
    ++counts_.malformed;
    return;
  }
  const Ssrc ssrc = header->ssrc();
  const std::uint16_t sequence = header->sequence_number().value;
  const SrtpSession::Result result = inbound_->open_rtp(datagram, ssrc, sequence);
  if (!count(result.opened)) return;
  const auto packet = RtpPacket::parse(datagram.first(result.size));
  if (!packet) {
    ++counts_.malformed;
    return;
  }
  if (const Bytes number = packet->extension(spec_.transport_cc_extension); number.size() == 2)
    transport_feedback_.on_packet(arrival, SequenceNumber{load_u16(number, 0)});
  const auto route = routes_.find(ssrc);
  if (route == routes_.end()) {
    ++counts_.unknown_ssrc;
    return;
  }
  ReceiveStream& stream = *route->second.stream;
  if (const std::optional<Gap> gap = route->second.rtx ? stream.on_rtx(arrival, *packet) : stream.on_rtp(arrival, *packet))
    shared_.on_gap(stream, *gap);
}

bool MediaPeer::count(SrtpSession::Opened opened) noexcept {
  if (opened == SrtpSession::Opened::replayed) ++counts_.replays;
  if (opened == SrtpSession::Opened::failed) ++counts_.undecryptable;
  return opened == SrtpSession::Opened::fine;
}

void MediaPeer::on_rtcp(TimePoint arrival, MutableBytes datagram) {
  const SrtpSession::Result result = inbound_->open_rtcp(datagram);
  if (!count(result.opened)) return;
  const auto compound = RtcpCompound::parse(datagram.first(result.size));
  if (!compound) {
    ++counts_.malformed;
    return;
  }
  compound->for_each([&](const RtcpPacket& packet) { handle(arrival, packet); });
}

SendStream* MediaPeer::sending_of(Ssrc ssrc) noexcept {
  const auto found =
      std::find_if(sends_.begin(), sends_.end(), [&](const auto& stream) { return stream->spec().ssrc == ssrc; });
  return found == sends_.end() ? nullptr : found->get();
}

void MediaPeer::handle(TimePoint arrival, const RtcpPacket& packet) {
  const auto reported = [&](const ReportBlocks& blocks) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (SendStream* const stream = sending_of(blocks[i].ssrc)) stream->on_report();
    }
  };
  const auto key_frame = [&](Ssrc ssrc) {
    ++counts_.key_requests;
    if (SendStream* const stream = sending_of(ssrc)) stream->request_key_frame();
  };
  if (const auto* report = std::get_if<SenderReport>(&packet)) {
    const auto route = routes_.find(report->sender);
    if (route != routes_.end()) route->second.stream->on_sender_report(arrival, report->ntp_time);
    reported(report->blocks);
  } else if (const auto* receiver = std::get_if<ReceiverReport>(&packet)) {
    reported(receiver->blocks);
  } else if (const auto* nack = std::get_if<Nack>(&packet)) {
    SendStream* const stream = sending_of(nack->media);
    nack->for_each_lost([&](SequenceNumber number) {
      ++counts_.nacked;
      if (stream != nullptr) (void)stream->retransmit(number, *this);
    });
  } else if (const auto* loss = std::get_if<PictureLoss>(&packet)) {
    key_frame(loss->media);
  } else if (const auto* request = std::get_if<FullIntraRequest>(&packet)) {
    for (std::size_t i = 0; i < request->size(); ++i) key_frame((*request)[i].media);
  }
}

Duration MediaPeer::on_timeout(TimePoint now) {
  Duration late{};
  std::array<std::byte, 512> check{};
  if (const Bytes request = consent_.poll(now, check); !request.empty()) send_plain(request);
  if (dtls_.state() == DtlsClient::State::handshaking) {
    dtls_.on_timeout();
    after_dtls(now);
  }
  if (srtp_ != nullptr) {
    for (const auto& stream : sends_) {
      while (sending_ && stream->next_due() <= now) late = std::max(late, stream->produce(now, *this));
    }
    if (now >= next_report_) {
      next_report_ = now + report_interval;
      send_reports(now);
    }
    if (!receives_.empty()) send_feedback(now);
  }
  if (!shared_.out->empty()) shared_.out->flush(spec_.socket);
  return late;
}

void MediaPeer::send_reports(TimePoint now) {
  for (const auto& stream : sends_) send_rtcp([&](RtcpWriter& out) { stream->write_report(now, out); });
  std::vector<ReportBlock> blocks;
  for (const auto& stream : receives_) {
    if (const std::optional<ReportBlock> block = stream->report(now)) blocks.push_back(*block);
  }
  for (std::size_t at = 0; at < blocks.size(); at += blocks_max) {
    const std::size_t count = std::min(blocks_max, blocks.size() - at);
    send_rtcp([&](RtcpWriter& out) { out.receiver_report(own_ssrc_, std::span(blocks).subspan(at, count)); });
  }
}

void MediaPeer::send_feedback(TimePoint now) {
  if (now >= transport_feedback_.next_deadline()) {
    TransportFeedbackWriter feedback;
    while (transport_feedback_.poll(now, feedback)) {
      send_rtcp([&](RtcpWriter& out) { out.transport_feedback(own_ssrc_, receives_.front()->spec().ssrc, feedback); });
    }
  }
  for (const auto& stream : receives_) {
    if (now < stream->nack_deadline()) continue;
    std::array<SequenceNumber, 64> lost{};
    const std::size_t count = stream->poll_nack(now, lost);
    if (count == 0) continue;
    counts_.nacks_sent += count;
    send_rtcp([&](RtcpWriter& out) { out.nack(own_ssrc_, stream->spec().ssrc, std::span(lost).first(count)); });
  }
  if (now < next_look_) return;
  next_look_ = now + look_interval;
  for (const auto& stream : receives_) {
    if (stream->wants_key_frame(now)) send_rtcp([&](RtcpWriter& out) { out.picture_loss(own_ssrc_, stream->spec().ssrc); });
  }
}

TimePoint MediaPeer::next_deadline(TimePoint now) const {
  TimePoint next = std::min(
      {consent_.next_deadline(), dtls_.next_deadline(now), next_report_, next_look_, transport_feedback_.next_deadline()});
  if (sending_) {
    for (const auto& stream : sends_) next = std::min(next, stream->next_due());
  }
  for (const auto& stream : receives_) next = std::min(next, stream->nack_deadline());
  return next;
}

void MediaPeer::reset(TimePoint now) noexcept {
  counts_ = {};
  for (const auto& stream : receives_) stream->reset(now);
}

}  // namespace sluice::load
