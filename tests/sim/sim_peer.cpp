#include "tests/sim/sim_peer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/packet/rtcp_compound.hpp"
#include "dataplane/packet/rtcp_writer.hpp"
#include "dataplane/packet/rtp_header_writer.hpp"
#include "dataplane/packet/rtp_packet.hpp"
#include "dataplane/rtp/ntp_time.hpp"
#include "shm/types/byte_order.hpp"
#include "tests/sim/stun_request.hpp"

namespace sluice::sim {
namespace {

constexpr std::size_t vp8_header = 6;  // X, I L T, 15-bit picture id, TL0PICIDX, TID

std::uint32_t checksum(Bytes bytes) {
  std::uint32_t h = 2166136261U;
  for (const std::byte b : bytes) h = (h ^ std::to_integer<std::uint32_t>(b)) * 16777619U;
  return h;
}

std::int64_t extended(std::int64_t highest, std::uint16_t wire) {
  return highest < 0 ? wire : extend(SequenceNumber{wire}, ExtendedSequenceNumber{highest}).value;
}

}  // namespace

SimPeer::SimPeer(const PeerSetup& s, Send send) : setup(s), send_(std::move(send)), random_(s.seed) {
  static const bool once = (srtp_init(), true);
  (void)once;
}

SimPeer::~SimPeer() {
  forget_keys();
}

void SimPeer::forget_keys() {
  for (srtp_t* session : {&out_, &in_, &look_}) {
    if (*session != nullptr) srtp_dealloc(std::exchange(*session, nullptr));
  }
}

std::vector<std::uint8_t> SimPeer::key_of(bool ours) const {
  std::vector<std::uint8_t> key(setup.gcm ? 28 : 30);
  for (std::size_t i = 0; i < key.size(); ++i)
    key[i] = static_cast<std::uint8_t>(setup.seed * 31 + i * 7 + (ours ? 100 : 0));
  return key;
}

void SimPeer::set_keys() {
  const auto make = [&](bool ours, srtp_ssrc_type_t type) {
    srtp_policy_t policy{};
    if (setup.gcm) {
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    auto key = key_of(ours);
    policy.key = key.data();
    policy.ssrc.type = type;
    policy.window_size = 1024;
    policy.allow_repeat_tx = 0;
    srtp_t session = nullptr;
    if (srtp_create(&session, &policy) != srtp_err_status_ok) std::abort();
    return session;
  };
  forget_keys();  // told again after a death
  out_ = make(true, ssrc_any_outbound);
  in_ = make(false, ssrc_any_inbound);
  look_ = make(false, ssrc_any_inbound);
}

TimePoint SimPeer::next_deadline() const {
  TimePoint next = std::min({next_check_, next_report_, next_nack_, next_twcc_});
  if (out_ != nullptr) {
    for (const SentStream& stream : sending) {
      if (stream.enabled) next = std::min(next, stream.next_frame);
    }
  }
  return next;
}

void SimPeer::on_timeout(TimePoint now) {
  if (now >= next_check_) {
    next_check_ = now + std::chrono::seconds(2);
    send_(now, stun_request(setup.ufrag + ":peer", setup.pwd, ++check_id_, true));
  }
  if (out_ == nullptr) return;
  for (SentStream& stream : sending) {
    if (!stream.enabled) continue;
    if (stream.next_frame == TimePoint{}) stream.next_frame = now;
    if (now >= stream.next_frame) send_frame(now, stream);
  }
  if (next_report_ == never) next_report_ = now;
  if (now >= next_report_) {
    next_report_ = now + std::chrono::milliseconds(900);
    send_reports(now);
  }
  if (now >= next_nack_) {
    next_nack_ = never;
    for (ReceivedStream& stream : receiving) send_nacks(now, stream);
  }
  if (now >= next_twcc_) {
    next_twcc_ = never;
    send_twcc(now);
  }
}

std::vector<std::byte> SimPeer::packet(TimePoint, SentStream& s, std::uint32_t timestamp, bool marker, Bytes payload) {
  std::array<std::byte, 1500> storage{};
  RtpHeaderWriter writer({.payload_type = PayloadType{s.payload_type},
                          .sequence_number = SequenceNumber{s.sequence},
                          .timestamp = timestamp,
                          .ssrc = Ssrc{s.ssrc},
                          .marker = marker});
  const auto& ids = setup.extensions;
  writer.add(ids.mid, as_bytes(s.mid));
  if (!s.rid.empty()) writer.add(ids.rid, as_bytes(s.rid));
  writer.reserve_transport_sequence_number(ids.transport_wide_cc);
  const std::array<std::byte, 1> level{std::byte{0x85}};
  if (!s.video) writer.add(ids.audio_level, level);
  const auto layout = writer.write(storage);
  if (!layout) std::abort();
  layout->patch_transport_sequence_number(storage, transport_sequence_++);
  std::copy(payload.begin(), payload.end(), storage.begin() + layout->header_size);
  return {storage.begin(), storage.begin() + static_cast<std::ptrdiff_t>(layout->header_size + payload.size())};
}

void SimPeer::send_frame(TimePoint now, SentStream& s) {
  s.next_frame = now + s.interval;
  const bool key = s.video && std::exchange(s.key_frame_due, false);
  const auto clock = static_cast<std::int64_t>(s.video ? 90'000 : 48'000);
  const auto timestamp =
      static_cast<std::uint32_t>(s.timestamp_base + now.time_since_epoch().count() / 1000 * clock / 1'000'000);
  const std::uint8_t tid = key ? 0 : std::array<std::uint8_t, 4>{0, 2, 1, 2}[s.frame % 4];
  if (tid == 0) ++s.tl0;
  const std::uint8_t count = key ? static_cast<std::uint8_t>(s.packets_per_frame * 2) : s.packets_per_frame;
  for (std::uint8_t i = 0; i < count; ++i) {
    std::array<std::byte, 400> storage{};
    ByteWriter w{MutableBytes(storage)};
    if (s.video) {
      w.u8(i == 0 ? 0x90 : 0x80);
      w.u8(0xe0);
      w.u16(static_cast<std::uint16_t>(0x8000 | s.picture_id));
      w.u8(s.tl0);
      w.u8(static_cast<std::uint8_t>(tid << 6));
      if (i == 0 && key) {
        w.u8(0x10);
        w.u16(0);
        w.u24(0x9d012a);
        w.u16(static_cast<std::uint16_t>((320U << s.layer & 0xffU) << 8U | (320U << s.layer) >> 8U));
        w.u16(static_cast<std::uint16_t>((180U << s.layer & 0xffU) << 8U | (180U << s.layer) >> 8U));
      } else {
        w.u8(0x11);
      }
    }
    const std::size_t begin = w.size();
    w.u8(0x5a);
    w.u8(static_cast<std::uint8_t>(setup.id.slot));
    w.u8(s.layer);
    w.u32(s.frame);
    w.u8(i);
    w.u8(count);
    w.u8(key ? 1 : 0);
    for (int n = 0; n < 40 + (i * 13 + static_cast<int>(s.frame) * 7) % 100; ++n) w.u8(static_cast<std::uint8_t>(random_()));
    w.u32(checksum(w.written().subspan(begin)));
    auto plain = packet(now, s, timestamp, i + 1 == count, w.written());
    if (s.rtx_ssrc != 0) {
      s.history[s.sequence] = plain;
      s.history.erase(static_cast<std::uint16_t>(s.sequence - 1000));
    }
    send_media(now, std::move(plain));
    s.log.push_back({s.sequence++, s.frame, i, last_arrival});
  }
  ++s.frame;
  ++s.frames;
  s.picture_id = static_cast<std::uint16_t>((s.picture_id + 1) & 0x7fff);
}

void SimPeer::send_media(TimePoint now, std::vector<std::byte> plain) {
  send_rtp(now, std::move(plain));
}

void SimPeer::send_rtp(TimePoint now, std::vector<std::byte> plain) {
  auto size = static_cast<int>(plain.size());
  plain.resize(plain.size() + SRTP_MAX_TRAILER_LEN);
  if (srtp_protect(out_, plain.data(), &size) != srtp_err_status_ok) return;
  send_(now, Bytes(plain).first(static_cast<std::size_t>(size)));
}

void SimPeer::send_rtcp(TimePoint now, std::vector<std::byte> plain) {
  auto size = static_cast<int>(plain.size());
  plain.resize(plain.size() + SRTP_MAX_TRAILER_LEN + 4);
  if (srtp_protect_rtcp(out_, plain.data(), &size) != srtp_err_status_ok) return;
  send_(now, Bytes(plain).first(static_cast<std::size_t>(size)));
}

void SimPeer::on_datagram(TimePoint now, std::vector<std::byte> bytes) {
  const auto first = std::to_integer<unsigned>(bytes[0]);
  if (first < 4) {
    ++stun_replies;
    return;
  }
  if (in_ == nullptr || first < 128) return;
  auto size = static_cast<int>(bytes.size());
  const auto second = std::to_integer<unsigned>(bytes[1]);
  const bool rtcp = second >= 192 && second <= 223;
  const auto status = rtcp ? srtp_unprotect_rtcp(in_, bytes.data(), &size) : srtp_unprotect(in_, bytes.data(), &size);
  if (status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old) return;  // the network duplicates
  if (status != srtp_err_status_ok) {
    ++bad_srtp;
    return;
  }
  bytes.resize(static_cast<std::size_t>(size));
  rtcp ? on_rtcp(now, bytes) : on_rtp(now, bytes);
}

void SimPeer::on_rtp(TimePoint now, Bytes plain) {
  std::vector<std::byte> copy(plain.begin(), plain.end());
  const auto p = RtpPacket::parse(copy);
  if (!p) {
    ++bad_srtp;
    return;
  }
  if (const Bytes t = p->extension(setup.extensions.transport_wide_cc); t.size() == 2) {
    const std::int64_t number = extended(twcc_highest_, load_u16(t, 0));
    twcc_highest_ = std::max(twcc_highest_, number);
    arrivals_.emplace(number, now);
    if (next_twcc_ == never) next_twcc_ = now + std::chrono::milliseconds(60);
  }
  for (ReceivedStream& stream : receiving) {
    if (p->ssrc().value == stream.ssrc) {
      return note(now, stream, p->sequence_number().value, p->timestamp(), p->marker(), p->payload(), false);
    }
    if (stream.rtx_ssrc != 0 && p->ssrc().value == stream.rtx_ssrc) {
      if (p->payload_size() < 2) return;
      return note(now, stream, load_u16(p->payload(), 0), p->timestamp(), p->marker(), Bytes(p->payload()).subspan(2), true);
    }
  }
  ++unknown_ssrc;
}

void SimPeer::note(TimePoint now, ReceivedStream& stream, std::uint16_t sequence, std::uint32_t timestamp, bool marker,
                   Bytes payload, bool rtx) {
  const std::int64_t number = extended(stream.highest, sequence);
  ++stream.total;
  stream.by_rtx += rtx ? 1 : 0;
  stream.last = now;
  if (!stream.packets.emplace(number, read(stream, timestamp, marker, payload)).second) ++stream.duplicates;
  stream.missing.erase(number);
  if (stream.highest >= 0) {
    for (std::int64_t n = stream.highest + 1; n < number; ++n) stream.missing[n] = {now + std::chrono::milliseconds(15), 0};
  }
  stream.highest = std::max(stream.highest, number);
  if (!stream.missing.empty() && stream.rtx_ssrc != 0)
    next_nack_ = std::min(next_nack_, now + std::chrono::milliseconds(15));
}

void SimPeer::look_at(TimePoint now, Bytes datagram, bool arrives) {
  const auto second = datagram.size() < 2 ? 0U : std::to_integer<unsigned>(datagram[1]);
  if (look_ == nullptr || std::to_integer<unsigned>(datagram[0]) < 128 || (second >= 192 && second <= 223)) return;
  std::vector<std::byte> bytes(datagram.begin(), datagram.end());
  auto size = static_cast<int>(bytes.size());
  if (srtp_unprotect(look_, bytes.data(), &size) != srtp_err_status_ok) return;
  bytes.resize(static_cast<std::size_t>(size));
  const auto p = RtpPacket::parse(bytes);
  if (!p) return;
  for (ReceivedStream& stream : receiving) {
    const bool rtx = stream.rtx_ssrc != 0 && p->ssrc().value == stream.rtx_ssrc;
    if (!rtx && p->ssrc().value != stream.ssrc) continue;
    if (rtx && p->payload_size() < 2) return;
    const std::uint16_t wire = rtx ? load_u16(p->payload(), 0) : p->sequence_number().value;
    const std::int64_t number = extended(stream.sent_highest, wire);
    stream.sent_highest = std::max(stream.sent_highest, number);
    const auto [it, first] = stream.sent.try_emplace(number);
    if (first) it->second = {read(stream, p->timestamp(), p->marker(), Bytes(p->payload()).subspan(rtx ? 2 : 0)), now};
    ++(rtx ? it->second.as_rtx : it->second.as_media);
    it->second.arrives |= arrives;
  }
}

Seen SimPeer::read(const ReceivedStream& stream, std::uint32_t timestamp, bool marker, Bytes payload) {
  Seen seen;
  seen.timestamp = timestamp;
  seen.marker = marker;
  const std::size_t at = payload.empty() ? 0
                         : !stream.video ? 0
                                         : vp8_header + ((std::to_integer<unsigned>(payload[0]) & 0x10U) != 0 &&
                                                                 (std::to_integer<unsigned>(payload[vp8_header]) & 1U) == 0
                                                             ? 10U
                                                             : 1U);
  if (payload.size() > at + 14 && payload[at] == std::byte{0x5a}) {
    ByteReader r(payload.subspan(at + 1));
    seen.publisher = r.u8();
    seen.layer = r.u8();
    seen.frame = r.u32();
    seen.index = r.u8();
    seen.count = r.u8();
    seen.key_frame = r.u8() != 0;
    seen.valid = checksum(payload.subspan(at, payload.size() - at - 4)) == load_u32(payload, payload.size() - 4);
    if (stream.video) seen.picture_id = load_u16(payload, 2) & 0x7fffU;
  }
  return seen;
}

void SimPeer::send_nacks(TimePoint now, ReceivedStream& stream) {
  if (stream.rtx_ssrc == 0) return;
  std::vector<SequenceNumber> lost;
  for (auto it = stream.missing.begin(); it != stream.missing.end();) {
    auto& [due, tries] = it->second;
    if (tries > 25) {
      it = stream.missing.erase(it);
      continue;
    }
    if (due <= now && lost.size() < 100) {
      lost.push_back({static_cast<std::uint16_t>(it->first)});
      due = now + std::chrono::milliseconds(70);
      ++tries;
    }
    ++it;
  }
  if (!stream.missing.empty()) next_nack_ = std::min(next_nack_, now + std::chrono::milliseconds(20));
  if (lost.empty()) return;
  std::array<std::byte, 1200> storage{};
  RtcpWriter w{MutableBytes(storage)};
  w.receiver_report(Ssrc{77});
  w.nack(Ssrc{77}, Ssrc{stream.ssrc}, lost);
  last_arrival = never;
  send_rtcp(now, {w.written().begin(), w.written().end()});
  if (last_arrival == never) return;
  for (const SequenceNumber number : lost) ++stream.asked[extended(stream.highest, number.value)];
}

void SimPeer::send_twcc(TimePoint now) {
  if (arrivals_.empty()) return;
  TransportFeedbackWriter feedback;
  auto it = arrivals_.begin();
  feedback.begin({static_cast<std::uint16_t>(it->first)}, it->second, twcc_count_++);
  while (it != arrivals_.end() && feedback.add({static_cast<std::uint16_t>(it->first)}, it->second))
    it = arrivals_.erase(it);
  if (feedback.empty()) arrivals_.erase(arrivals_.begin());
  if (!arrivals_.empty()) next_twcc_ = now + std::chrono::milliseconds(5);
  std::array<std::byte, 1300> storage{};
  RtcpWriter w{MutableBytes(storage)};
  w.receiver_report(Ssrc{77});
  if (w.transport_feedback(Ssrc{77}, Ssrc{receiving.empty() ? 0 : receiving[0].ssrc}, feedback)) {
    send_rtcp(now, {w.written().begin(), w.written().end()});
  }
}

void SimPeer::request_key_frame(TimePoint now, std::uint32_t ssrc) {
  std::array<std::byte, 100> storage{};
  RtcpWriter w{MutableBytes(storage)};
  w.receiver_report(Ssrc{77});
  w.picture_loss(Ssrc{77}, Ssrc{ssrc});
  send_rtcp(now, {w.written().begin(), w.written().end()});
}

void SimPeer::send_reports(TimePoint now) {
  std::array<std::byte, 1200> storage{};
  RtcpWriter w{MutableBytes(storage)};
  for (const SentStream& s : sending) {
    if (s.frames == 0) continue;
    const auto clock = static_cast<std::int64_t>(s.video ? 90'000 : 48'000);
    w.sender_report(Ssrc{s.ssrc}, to_ntp(now + std::chrono::hours(1)).value,
                    static_cast<std::uint32_t>(s.timestamp_base + now.time_since_epoch().count() / 1000 * clock / 1'000'000),
                    1, 1);
  }
  std::vector<ReportBlock> blocks;
  for (const ReceivedStream& r : receiving) {
    if (r.highest >= 0) blocks.push_back({.ssrc = Ssrc{r.ssrc}, .highest_sequence = static_cast<std::uint32_t>(r.highest)});
  }
  w.receiver_report(Ssrc{77}, blocks);
  send_rtcp(now, {w.written().begin(), w.written().end()});
}

void SimPeer::on_rtcp(TimePoint now, Bytes plain) {
  const auto compound = RtcpCompound::parse(plain);
  if (!compound) {
    ++bad_srtp;
    return;
  }
  compound->for_each([&](const RtcpPacket& packet) {
    if (const auto* pli = std::get_if<PictureLoss>(&packet)) {
      for (SentStream& s : sending) {
        if (s.ssrc != pli->media.value) continue;
        ++s.plis;
        s.key_frame_due = true;
      }
    } else if (const auto* nack = std::get_if<Nack>(&packet)) {
      for (SentStream& s : sending) {
        if (s.ssrc != nack->media.value) continue;
        nack->for_each_lost([&](SequenceNumber number) {
          ++s.nacked;
          const auto found = s.history.find(number.value);
          if (found == s.history.end()) return;
          std::vector<std::byte> copy = found->second;
          const auto original = RtpPacket::parse(copy);
          std::vector<std::byte> payload(2);
          store_u16(payload, 0, number.value);
          payload.insert(payload.end(), original->payload().begin(), original->payload().end());
          std::array<std::byte, 1500> out{};
          RtpHeaderWriter writer({.payload_type = PayloadType{static_cast<std::uint8_t>(s.payload_type + 1)},
                                  .sequence_number = SequenceNumber{s.rtx_sequence++},
                                  .timestamp = original->timestamp(),
                                  .ssrc = Ssrc{s.rtx_ssrc},
                                  .marker = original->marker()});
          writer.add(setup.extensions.mid, as_bytes(s.mid));
          if (!s.rid.empty()) writer.add(setup.extensions.repaired_rid, as_bytes(s.rid));
          writer.reserve_transport_sequence_number(setup.extensions.transport_wide_cc);
          const auto layout = writer.write(out);
          layout->patch_transport_sequence_number(out, transport_sequence_++);
          std::copy(payload.begin(), payload.end(), out.begin() + layout->header_size);
          send_rtp(now, {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(layout->header_size + payload.size())});
          for (auto it = s.log.rbegin(); it != s.log.rend(); ++it) {
            if (it->sequence != number.value) continue;
            it->arrival = std::min(it->arrival, last_arrival);
            break;
          }
        });
      }
    } else if (std::get_if<TransportFeedback>(&packet) != nullptr) {
      ++twcc_feedbacks;
    } else if (const auto* rr = std::get_if<ReceiverReport>(&packet)) {
      if (rr->blocks.size() > 0) ++receiver_reports;
    } else if (const auto* sr = std::get_if<SenderReport>(&packet)) {
      for (ReceivedStream& r : receiving) {
        if (r.ssrc == sr->sender.value) ++r.sender_reports;
      }
    } else if (std::get_if<Goodbye>(&packet) != nullptr) {
      ++byes;
    }
  });
}

}  // namespace sluice::sim
