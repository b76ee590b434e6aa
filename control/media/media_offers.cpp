#include <algorithm>
#include <array>

#include "control/media/media_impl.hpp"
#include "control/sdp/parser.hpp"
#include "control/sdp/writer.hpp"
#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

MediaSignaling::OfferError invalid(std::string message) {
  return {"SFU_OFFER_INVALID", std::move(message)};
}
MediaSignaling::OfferError unavailable(std::string message) {
  return {"SFU_UNAVAILABLE", std::move(message)};
}

workers::ExtensionIds extension_ids(const sdp::ExtensionTable& table) {
  const auto id = [&](sdp::ExtensionKind kind) { return table[static_cast<std::size_t>(kind)]; };
  using enum sdp::ExtensionKind;
  return {id(mid),           id(rid),         id(repaired_rid),      id(transport_wide_cc),
          id(abs_send_time), id(audio_level), id(video_orientation), id(playout_delay)};
}

std::vector<workers::CodecSpec> codec_specs(const std::vector<sdp::NegotiatedCodec>& codecs) {
  std::vector<workers::CodecSpec> specs;
  for (const sdp::NegotiatedCodec& c : codecs)
    specs.push_back({c.codec, c.payload_type, c.rtx_payload_type.value_or(workers::CodecSpec::no_rtx), c.clock_rate, c.nack,
                     c.pli, c.transport_cc});
  return specs;
}

}  // namespace

Result<Media::Answer, Media::OfferError> Media::Impl::handle_offer(const PeerId& id, std::string_view text) {
  const auto entry = peers_.find(id);
  if (entry == peers_.end()) return unexpected(OfferError{"SFU_TRANSPORT_CLOSED", "the peer is in no room"});
  if (entry->second.live.quarantined) {
    return unexpected(
        OfferError{"SFU_TRANSPORT_CLOSED", "media of this session was shut out; leave the room and join again"});
  }
  const auto offer = sdp::parse(text);
  if (!offer) return unexpected(invalid(offer.error().message()));
  const auto negotiation = sdp::negotiate(*offer, capabilities_);
  if (!negotiation) return unexpected(invalid(negotiation.error().message));

  PeerMedia& peer = entry->second.media;
  if (!peer.transport.valid() && !negotiation->has_transport()) {
    // Nothing that we carry: every m-line is rejected, and there is nothing to remember.
    PeerMedia nothing;
    nothing.lines.resize(offer->media.size());
    return Answer{make_answer(nothing, *offer, *negotiation), {}};
  }
  auto change = media::SessionChange::new_session;
  if (peer.transport.valid()) {
    change = negotiation->has_transport() ? media::session_change(peer, *offer, *negotiation) : media::SessionChange::none;
    if (entry->second.live.dtls_over && negotiation->has_transport()) change = media::SessionChange::new_session;
    if (change != media::SessionChange::new_session) {
      if (auto broken = media::broken_continuity(peer, *offer, *negotiation)) return unexpected(invalid(std::move(*broken)));
    }
  }
  if (auto error = open_session(peer, *negotiation, change)) {
    store(id);
    return unexpected(std::move(*error));
  }
  if (change == media::SessionChange::new_session) {
    entry->second.live = {};
    by_transport_.insert_or_assign({peer.worker, peer.transport}, id);
  }
  if (negotiation->has_transport()) remember_remote(peer, *offer, *negotiation);
  adopt_lines(peer, *negotiation);
  for (const Line& line : peer.lines)
    if (line.subscription.valid()) by_subscription_.insert_or_assign({peer.worker, line.subscription}, id);

  settle(id);
  ++peer.session_version;
  store(id);
  Answer answer;
  answer.sdp = make_answer(peer, *offer, *negotiation);
  for (const ConsumerReady& ready : ready_)
    if (ready.peer == id) answer.ready.emplace_back(ready.consumer, ready.mid);
  tell();
  return answer;
}

workers::TransportSpec Media::Impl::transport_spec(const sdp::Negotiation& negotiation) const {
  workers::TransportSpec spec;
  spec.remote_ufrag = negotiation.remote_ufrag;
  spec.role = negotiation.setup == sdp::Setup::active ? workers::DtlsRole::client : workers::DtlsRole::server;
  spec.fingerprint = negotiation.fingerprint;
  spec.extensions = extension_ids(negotiation.extension_ids);
  spec.max_receive_bitrate = config_.max_receive_bitrate;
  return spec;
}

std::optional<Media::OfferError> Media::Impl::open_session(PeerMedia& peer, const sdp::Negotiation& negotiation,
                                                           media::SessionChange change) {
  if (!negotiation.has_transport()) return std::nullopt;
  workers::TransportSpec spec = transport_spec(negotiation);
  if (change == media::SessionChange::new_session) {
    const auto worker = plane_.place_room(peer.room.value);
    if (!worker || plane_.info(*worker) == nullptr) return unavailable("there is no media worker");
    spec.local_ufrag = random_text(media::ufrag_characters);
    spec.local_pwd = random_text(media::pwd_characters);
    // The old transport goes first, so that a full table has room for its successor.
    forget_session(peer);
    const auto transport = plane_.add_transport(*worker, std::move(spec));
    if (!transport) return unavailable("the media worker of this room is full");
    peer.worker = *worker;
    peer.transport = *transport;
    std::array<std::byte, 8> bytes{};
    entropy_.fill(bytes);
    peer.session_id = ByteReader(bytes).u64() >> 1U;  // 63 bits: RFC 9429 section 5.2.1
    return std::nullopt;
  }
  const workers::TransportSpec* old = plane_.transport(peer.worker, peer.transport);
  const bool restart = change == media::SessionChange::ice_restart;
  spec.local_ufrag = restart ? random_text(media::ufrag_characters) : old->local_ufrag;
  spec.local_pwd = restart ? random_text(media::pwd_characters) : old->local_pwd;
  spec.role = old->role;  // the association stays (RFC 8842 section 5.2)
  spec.from = old->from;
  spec.home = old->home;
  plane_.update_transport(peer.worker, peer.transport, std::move(spec));
  return std::nullopt;
}

void Media::Impl::forget_session(PeerMedia& peer) {
  if (!peer.transport.valid()) return;
  for (Line& line : peer.lines) {
    if (const auto producer = producers_.find(line.producer); producer != producers_.end()) {
      // Mids name m-lines of one session only; in the next they are a guess.
      producer->second.mid.clear();
      producer->second.mid_hint = line.mid;
      store(producer->first);
    }
    if (const auto consumer = consumers_.find(line.consumer); consumer != consumers_.end()) {
      consumer->second.consumer.mid_hint = line.mid;
      store(consumer->first);
    }
    by_subscription_.erase({peer.worker, line.subscription});
  }
  by_transport_.erase({peer.worker, peer.transport});
  if (const workers::TransportSpec* old = plane_.transport(peer.worker, peer.transport); old != nullptr && old->home)
    plane_.remove_departure(old->home->worker, old->home->transport);
  plane_.remove_transport(peer.worker, peer.transport);
  PeerMedia fresh;
  fresh.room = peer.room;
  // A new session of a restricted member is restricted as well.
  fresh.may_send = peer.may_send;
  fresh.may_receive = peer.may_receive;
  fresh.policy_epoch = peer.policy_epoch;
  peer = std::move(fresh);
}

void Media::Impl::remember_remote(PeerMedia& peer, const sdp::SessionDescription& offer,
                                  const sdp::Negotiation& negotiation) {
  peer.remote_ufrag = negotiation.remote_ufrag;
  peer.remote_pwd = negotiation.remote_pwd;
  peer.fingerprint = negotiation.fingerprint;
  peer.tls_id = negotiation.tls_id;
  peer.origin = media::origin_of(offer);
  peer.remote_ssrcs = media::declared_ssrcs(offer);
}

void Media::Impl::adopt_lines(PeerMedia& peer, const sdp::Negotiation& negotiation) {
  peer.lines.resize(std::max(peer.lines.size(), negotiation.lines.size()));
  for (std::size_t i = 0; i < negotiation.lines.size(); ++i) {
    Line& line = peer.lines[i];
    const sdp::NegotiatedLine& next = negotiation.lines[i];
    const bool recycled = next.accepted && !line.mid.empty() && line.mid != next.mid;
    if (recycled) free_line(peer, line);
    line.receives = next.accepted && next.receives;
    line.sends = next.accepted && next.sends;
    if (!line.receives) unbind_producer(peer, line);
    if (!line.sends) line.consumer = {};
    if (!next.accepted) continue;
    line.mid = next.mid;
    line.kind = next.kind;
    line.codecs = codec_specs(next.codecs);
    line.rids = next.rids;
    line.ssrcs.clear();
    if (next.declared_ssrc) line.ssrcs.push_back({0, next.declared_ssrc->ssrc, next.declared_ssrc->rtx_ssrc});
    if (!line.sends) continue;
    if (line.ssrc.value == 0) {
      line.ssrc = new_ssrc(peer);
      if (line.kind == MediaKind::video) line.rtx_ssrc = new_ssrc(peer);
    }
    if (line.subscription.valid()) continue;
    if (const auto row = plane_.add_subscription(peer.worker, subscription_spec(peer, line))) line.subscription = *row;
  }
}

Ssrc Media::Impl::new_ssrc(const PeerMedia& peer) {
  const auto taken = [&](std::uint32_t value) {
    const auto in = [&](const std::vector<std::uint32_t>& list) {
      return std::find(list.begin(), list.end(), value) != list.end();
    };
    return value == 0 || in(peer.used_ssrcs) || in(peer.remote_ssrcs) ||
           std::any_of(peer.lines.begin(), peer.lines.end(),
                       [&](const Line& line) { return line.ssrc.value == value || line.rtx_ssrc.value == value; });
  };
  for (;;) {
    std::array<std::byte, 4> bytes{};
    entropy_.fill(bytes);
    const std::uint32_t value = ByteReader(bytes).u32();
    if (!taken(value)) return Ssrc{value};
  }
}

std::string Media::Impl::random_text(std::size_t characters) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text(characters, ' ');
  std::vector<std::byte> bytes(characters);
  entropy_.fill(bytes);
  for (std::size_t i = 0; i < characters; ++i) text[i] = alphabet[std::to_integer<std::size_t>(bytes[i]) % alphabet.size()];
  return text;
}

std::string Media::Impl::make_answer(PeerMedia& peer, const sdp::SessionDescription& offer,
                                     const sdp::Negotiation& negotiation) {
  sdp::LocalTransport local;
  local.session_id = peer.session_id;
  local.session_version = peer.session_version;
  local.cname = "sluice";
  if (const workers::TransportSpec* spec = plane_.transport(peer.worker, peer.transport)) {
    // Who was moved keeps the address that it was told first.
    const workers::WorkerInfo* info = plane_.info(spec->home ? spec->home->worker : peer.worker);
    local.ice_ufrag = spec->local_ufrag;
    local.ice_pwd = spec->local_pwd;
    local.fingerprint = info->fingerprint;
    local.addresses = info->announced;
  }
  std::vector<sdp::SendingLine> sending;
  for (const Line& line : peer.lines) {
    sdp::SendingLine out{line.ssrc, line.rtx_ssrc, {}, "sluice-" + line.mid};
    // One stream per publisher, so that browsers play its sound and picture in step.
    if (const auto consumer = consumers_.find(line.consumer); consumer != consumers_.end()) {
      const auto producer = producers_.find(consumer->second.consumer.producer);
      if (producer != producers_.end()) out.stream = producer->second.peer.value;
    }
    sending.push_back(std::move(out));
  }
  return sdp::write(sdp::make_answer(offer, negotiation, capabilities_, local, sending));
}

}  // namespace sluice
