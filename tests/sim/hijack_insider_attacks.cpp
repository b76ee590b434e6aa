// Attacks by a peer of the call, under its own keys: streams that are not its own, shapes that lie, feedback about others.
#include <array>

#include "dataplane/packet/rtcp_writer.hpp"
#include "dataplane/packet/rtp_header_writer.hpp"
#include "tests/sim/hijack_rules.hpp"

namespace sluice::sim {
namespace {

using Scene = HostileScene;
using Out = std::vector<HostileDatagram>;

constexpr Ssrc speaker{78};  // of our RTCP; SimPeer itself speaks as 77

struct Media {
  std::uint32_t ssrc = 4242;
  std::string mid = {}, rid = {}, repaired_rid = {};
  std::uint8_t payload_type = 96;
  std::uint16_t sequence = 10;
};

Packet media(const Scene& s, const Media& m) {
  std::array<std::byte, 200> storage{};
  RtpHeaderWriter writer({.payload_type = PayloadType{m.payload_type},
                          .sequence_number = SequenceNumber{m.sequence},
                          .timestamp = 1,
                          .ssrc = Ssrc{m.ssrc},
                          .marker = false});
  const auto& ids = s.alice.setup.extensions;
  if (!m.mid.empty()) writer.add(ids.mid, as_bytes(m.mid));
  if (!m.rid.empty()) writer.add(ids.rid, as_bytes(m.rid));
  if (!m.repaired_rid.empty()) writer.add(ids.repaired_rid, as_bytes(m.repaired_rid));
  const auto layout = writer.write(storage);
  if (!layout) throw std::logic_error("no header");
  return {storage.begin(), storage.begin() + static_cast<std::ptrdiff_t>(layout->header_size) + 30};
}

Out rtp(Scene& s, const std::vector<Packet>& plain) {
  Out out;
  for (const Packet& packet : plain) out.push_back({s.alice.setup.tuple, s.rtp(s.alice, packet)});
  return out;
}

template <typename Write>
Packet compound(Write write) {
  std::array<std::byte, 1400> storage{};
  RtcpWriter w{MutableBytes(storage)};
  write(w);
  return {w.written().begin(), w.written().end()};
}

Out rtcp(Scene& s, const std::vector<Packet>& plain) {
  Out out;
  for (const Packet& packet : plain) out.push_back({s.alice.setup.tuple, s.rtcp(s.alice, packet)});
  return out;
}

/// Raw RTCP: one packet, its length field right unless `words` says otherwise.
Packet raw(unsigned first, unsigned type, const std::vector<std::uint32_t>& body, int words_error = 0) {
  Packet packet(4 + body.size() * 4);
  packet[0] = static_cast<std::byte>(first);
  packet[1] = static_cast<std::byte>(type);
  store_u16(packet, 2, static_cast<std::uint16_t>(static_cast<int>(body.size()) + words_error));
  for (std::size_t i = 0; i < body.size(); ++i) store_u32(packet, 4 + 4 * i, body[i]);
  return packet;
}

/// Transport-wide feedback: `runs` chunks of one symbol, 8191 statuses each, and `deltas` bytes behind them.
Packet feedback(std::uint16_t base, std::uint16_t count, unsigned symbol, std::size_t runs, std::size_t deltas = 0) {
  Packet body(20 + runs * 2 + deltas, std::byte{1});
  store_u32(body, 4, speaker.value);
  store_u32(body, 8, 0);
  store_u16(body, 12, base);
  store_u16(body, 14, count);
  store_u32(body, 16, 0x00001000);
  for (std::size_t i = 0; i < runs; ++i) store_u16(body, 20 + 2 * i, static_cast<std::uint16_t>(symbol << 13U | 8191U));
  body.resize((body.size() + 3) / 4 * 4, std::byte{1});
  body[0] = std::byte{0x8f};
  body[1] = std::byte{205};
  store_u16(body, 2, static_cast<std::uint16_t>(body.size() / 4 - 1));
  return body;
}

/// What alice may not speak of: what bob receives and sends, what she herself sends, what nobody has.
std::vector<Ssrc> foreign(const Scene& s) {
  return {Ssrc{s.call.wish(1, 0, true).ssrc},
          Ssrc{s.call.wish(1, 0, false).ssrc},
          Ssrc{s.call.wish(1, 0, true).rtx_ssrc},
          Ssrc{2000},
          Ssrc{1000},
          Ssrc{0},
          Ssrc{0xffff'ffff}};
}

}  // namespace

std::vector<Attack> insider_attacks() {
  constexpr auto insider = Attacker::insider;
  constexpr auto unknown_ssrc = Counter::drop_srtp_unknown_ssrc;
  constexpr auto foreign_stream = Counter::drop_rtcp_foreign;
  constexpr auto bad_rtcp = Counter::drop_rtcp_parse;
  return {
      {Rule::binding_of_own_m_line,
       "srtp of ssrcs that belong to nobody or to another",
       insider,
       {unknown_ssrc},
       [](Scene& s) {
         // 2000: bob's; 0x10004: one that alice receives.
         std::vector<Packet> packets;
         for (const std::uint32_t ssrc : {4242U, 2000U, 2050U, s.call.wish(0, 1, true).ssrc, 0U, 0xffff'ffffU}) {
           packets.push_back(media(s, {.ssrc = ssrc}));
         }
         return rtp(s, packets);
       }},
      {Rule::binding_of_own_m_line,
       "mid of nobody",
       insider,
       {Counter::drop_not_published},
       [](Scene& s) {
         return rtp(s, {media(s, {.mid = "zz"}), media(s, {.ssrc = 4243, .mid = "rv1"}),
                        media(s, {.ssrc = 4244, .mid = "sixteen-letters-"})});
       }},
      {Rule::binding_of_own_m_line,
       "rid of no layer",
       insider,
       {unknown_ssrc},
       [](Scene& s) {
         return rtp(s, {media(s, {.mid = "v", .rid = "x"}), media(s, {.ssrc = 4243, .mid = "v"}),
                        media(s, {.ssrc = 4244, .mid = "v", .rid = "qq"}),
                        media(s, {.ssrc = 4245, .mid = "v", .repaired_rid = "q"})});
       }},
      {Rule::binding_declared,
       "another ssrc for a declared m-line",
       insider,
       {Counter::drop_ssrc_conflict},
       [](Scene& s) {
         return rtp(s, {media(s, {.mid = "d", .payload_type = Scene::declared_payload_type}),
                        media(s, {.ssrc = 4243, .mid = "d", .rid = "q", .payload_type = Scene::declared_payload_type}),
                        media(s, {.ssrc = 4244, .mid = "d", .payload_type = Scene::declared_payload_type + 1})});
       }},
      {Rule::binding_declared,
       "a declared ssrc with media and rtx exchanged",
       insider,
       {Counter::drop_codec},
       [](Scene& s) {
         return rtp(
             s,
             {media(
                  s,
                  {.ssrc = Scene::declared_ssrc, .mid = "v", .rid = "q", .payload_type = Scene::declared_payload_type + 1}),
              media(s, {.ssrc = Scene::declared_rtx_ssrc,
                        .mid = "v",
                        .rid = "q",
                        .payload_type = Scene::declared_payload_type})});
       }},
      {Rule::binding_declared,
       "a declared ssrc claimed for another m-line",
       insider,
       {Counter::drop_codec},
       [](Scene& s) {
         // With the payload type of that m-line: the binding stays, so the number is not one of its own.
         return rtp(s, {media(s, {.ssrc = Scene::declared_ssrc, .mid = "v", .rid = "q", .payload_type = 96}),
                        media(s, {.ssrc = Scene::declared_ssrc, .mid = "a", .payload_type = 111, .sequence = 11})});
       }},
      {Rule::rtp_payload_type,
       "payload types that were not negotiated",
       insider,
       {Counter::drop_codec},
       [](Scene& s) {
         std::vector<Packet> packets;
         std::uint16_t sequence = 20;
         for (const unsigned type : {0U, 33U, 63U, 96U, 127U}) {
           packets.push_back(media(
               s, {.ssrc = Scene::declared_ssrc, .payload_type = static_cast<std::uint8_t>(type), .sequence = sequence++}));
         }
         return rtp(s, packets);
       }},
      {Rule::rtp_payload_type,
       "sealed payload types 64 to 95",
       insider,
       {bad_rtcp, Counter::drop_srtp_bad_tag},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (std::uint8_t type = 64; type < 96; ++type)
           packets.push_back(media(s, {.payload_type = type, .sequence = type}));
         return rtp(s, packets);
       }},
      {Rule::binding_limit,
       "more ssrcs than a transport may have",
       insider,
       {unknown_ssrc, Counter::drop_ssrc_limit},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (std::uint32_t i = 0; i < 80; ++i) packets.push_back(media(s, {.ssrc = 9000 + i}));
         return rtp(s, packets);
       }},
      {Rule::rtp_padding,
       "padding that is none or longer than the payload",
       insider,
       {Counter::drop_rtp_parse},
       [](Scene& s) {
         std::vector<Packet> packets;
         std::uint16_t sequence = 30;
         for (const unsigned padding : {0U, 31U, 100U, 255U}) {
           Packet packet = media(s, {.sequence = sequence++});
           packet[0] |= std::byte{0x20};
           packet.back() = static_cast<std::byte>(padding);
           packets.push_back(packet);
         }
         Packet nothing = media(s, {.sequence = sequence});  // padded, and without a byte of payload
         nothing.resize(12);
         nothing[0] = std::byte{0xa0};
         packets.push_back(nothing);
         return rtp(s, packets);
       }},
      {Rule::rtp_extension,
       "extension elements outside of their block",
       insider,
       {Counter::drop_extension_parse},
       [](Scene& s) {
         std::vector<Packet> packets;
         std::uint16_t sequence = 40;
         for (const auto& [profile, first, second] :
              {std::tuple{0xbedeU, 0x1fU, 0U}, {0xbedeU, 0x24U, 1U}, {0x1000U, 0x01U, 0xffU}, {0x1000U, 0x02U, 0x03U}}) {
           Packet packet = media(s, {.sequence = sequence++});
           packet[0] |= std::byte{0x10};
           store_u16(packet, 12, static_cast<std::uint16_t>(profile));
           store_u16(packet, 14, 1);
           store_u32(packet, 16, 0);
           packet[16] = static_cast<std::byte>(first);
           packet[17] = static_cast<std::byte>(second);
           packets.push_back(packet);
         }
         return rtp(s, packets);
       }},
      {Rule::rtcp_shape,
       "compounds that are malformed anywhere",
       insider,
       {bad_rtcp},
       [](Scene& s) {
         const std::uint32_t own = s.call.wish(0, 1, true).ssrc;  // a PLI about it stands in front of each fault
         const Packet pli = raw(0x81, 206, {speaker.value, own});
         std::vector<Packet> packets;
         for (const Packet& bad :
              {raw(0x80, 201, {speaker.value}, 1), raw(0x80, 201, {speaker.value}, 1000), raw(0x40, 201, {speaker.value}),
               raw(0x81, 201, {speaker.value}), raw(0x9f, 200, {speaker.value, 1, 2, 3, 4, 5}), raw(0xa0, 201, {0xff}),
               raw(0xa0, 201, {0}), raw(0x81, 205, {speaker.value}), raw(0x81, 205, {speaker.value, own}),
               raw(0x84, 206, {speaker.value, 0, own}), raw(0x84, 206, {speaker.value, 0}), raw(0x9f, 203, {1}),
               raw(0x81, 202, {1, 0x01ff'4141}), raw(0x8f, 206, {speaker.value, 0, 0x52454d42, 0xff00'0000}),
               raw(0x8f, 205, {speaker.value, 0, 0x0001'0002}), raw(0x80, 100, {speaker.value})}) {
           Packet packet = pli;
           packet.insert(packet.end(), bad.begin(), bad.end());
           packets.push_back(packet);
         }
         Packet half = pli;
         half.resize(half.size() + 3);
         packets.push_back(half);
         return rtcp(s, packets);
       }},
      {Rule::rtcp_own_streams,
       "nack of foreign streams",
       insider,
       {foreign_stream},
       [](Scene& s) {
         std::vector<Packet> packets;
         const std::array<SequenceNumber, 3> lost{{{1}, {2}, {100}}};
         for (const Ssrc ssrc : foreign(s)) {
           packets.push_back(compound([&](RtcpWriter& w) { w.nack(speaker, ssrc, lost); }));
         }
         return rtcp(s, packets);
       }},
      {Rule::rtcp_own_streams,
       "pli of foreign streams",
       insider,
       {foreign_stream},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (const Ssrc ssrc : foreign(s)) {
           packets.push_back(compound([&](RtcpWriter& w) { w.picture_loss(speaker, ssrc); }));
         }
         return rtcp(s, packets);
       }},
      {Rule::rtcp_own_streams,
       "fir of foreign streams",
       insider,
       {foreign_stream},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (const Ssrc ssrc : foreign(s)) {
           const std::array<FirEntry, 1> entry{{{ssrc, 7}}};
           packets.push_back(compound([&](RtcpWriter& w) { w.full_intra_request(speaker, entry); }));
         }
         return rtcp(s, packets);
       }},
      {Rule::rtcp_own_streams,
       "reports about foreign streams",
       insider,
       {foreign_stream},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (const Ssrc ssrc : foreign(s)) {
           const std::array<ReportBlock, 1> block{{{.ssrc = ssrc,
                                                    .fraction_lost = 255,
                                                    .cumulative_lost = 0x7fffff,
                                                    .highest_sequence = 0xffff'ffff,
                                                    .jitter = 0xffff'ffff,
                                                    .last_sr = 0xffff'ffff,
                                                    .delay_since_last_sr = 0xffff'ffff}}};
           packets.push_back(compound([&](RtcpWriter& w) { w.receiver_report(speaker, block); }));
         }
         return rtcp(s, packets);
       }},
      {Rule::rtcp_own_streams,
       "estimate over foreign streams",
       insider,
       {foreign_stream},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (const Ssrc ssrc : foreign(s)) {
           const std::array<Ssrc, 2> sources{Ssrc{s.call.wish(0, 1, true).ssrc}, ssrc};
           packets.push_back(compound([&](RtcpWriter& w) { w.receiver_estimate(speaker, Bitrate{1}, sources); }));
         }
         return rtcp(s, packets);
       }},
      {Rule::rtcp_own_streams,
       "sender reports, names and byes of foreign streams",
       insider,
       {},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (const Ssrc ssrc : foreign(s)) {
           if (ssrc == Ssrc{1000}) continue;  // her own
           packets.push_back(compound([&](RtcpWriter& w) {
             w.receiver_report(speaker);
             w.goodbye(std::span(&ssrc, 1));
           }));
           packets.push_back(compound([&](RtcpWriter& w) {
             w.receiver_report(speaker);
             w.sender_report(ssrc, ~0ULL, 1, 2, 3);
             w.source_description(ssrc, "somebody else");
           }));
         }
         return rtcp(s, packets);
       }},
      {Rule::rtcp_own_streams,
       "nack of an rtx stream",
       insider,
       {},
       [](Scene& s) {
         const std::array<SequenceNumber, 2> lost{{{1}, {2}}};
         return rtcp(s, {compound([&](RtcpWriter& w) { w.nack(speaker, Ssrc{s.call.wish(0, 1, true).rtx_ssrc}, lost); })});
       }},
      {Rule::rtcp_never_sent,
       "acknowledgements of packets never sent",
       insider,
       {Counter::twcc_received},
       [](Scene& s) {
         const auto next = static_cast<std::uint16_t>(s.record(s.alice).send_history.next.value);
         std::vector<Packet> packets;
         for (const int ahead : {0, 1, 100, 20'000, 32'000, 40'000}) {
           packets.push_back(feedback(static_cast<std::uint16_t>(next + ahead), 100, 1, 1, 100));
         }
         return rtcp(s, packets);
       }},
      {Rule::rtcp_bounded_walk,
       "65535 statuses, again and again",
       insider,
       {Counter::twcc_received},
       [](Scene& s) {
         const auto next = static_cast<std::uint16_t>(s.record(s.alice).send_history.next.value);
         std::vector<Packet> packets(50, feedback(next, 0xffff, 0, 9));
         return rtcp(s, packets);
       }},
      {Rule::rtcp_bounded_walk,
       "65535 statuses that want more deltas than there are",
       insider,
       {bad_rtcp},
       [](Scene& s) {
         const auto next = static_cast<std::uint16_t>(s.record(s.alice).send_history.next.value);
         return rtcp(s, {feedback(next, 0xffff, 1, 9, 1000), feedback(next, 0xffff, 2, 9, 1000),
                         feedback(next, 0xffff, 3, 9), feedback(next, 0xffff, 0, 3), feedback(next, 0xffff, 0, 0)});
       }},
  };
}

}  // namespace sluice::sim
