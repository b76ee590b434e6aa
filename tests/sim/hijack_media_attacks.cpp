// Attacks by media without keys: in the clear, forged, recorded.
#include "tests/sim/hijack_rules.hpp"

namespace sluice::sim {
namespace {

using Scene = HostileScene;
using Out = std::vector<HostileDatagram>;

/// RTP in the clear on alice's lowest layer, or what `first`, `second` make of it.
Packet plain_rtp(std::uint16_t sequence, std::uint32_t ssrc, std::size_t size = 100) {
  Packet packet(size, std::byte{0});
  packet[0] = std::byte{0x80};
  packet[1] = std::byte{96};
  store_u16(packet, 2, sequence);
  store_u32(packet, 8, ssrc);
  return packet;
}

/// RTCP in the clear, as before the handshake of an endpoint without SRTP: a receiver report, a PLI, a BYE.
std::vector<Packet> plain_rtcp(std::uint32_t media) {
  std::vector<Packet> out;
  for (const auto& [type, format, words] : {std::tuple{201U, 0x80U, 1U}, {206U, 0x81U, 2U}, {203U, 0x81U, 1U}}) {
    Packet packet(4 + 4 * std::size_t{words}, std::byte{0});
    packet[0] = static_cast<std::byte>(format);
    packet[1] = static_cast<std::byte>(type);
    store_u16(packet, 2, static_cast<std::uint16_t>(words));
    store_u32(packet, packet.size() - 4, media);
    packet.resize(60);  // long enough for any trailer; all zeros: no E bit
    out.push_back(packet);
  }
  return out;
}

/// A recorded packet of `ssrc`, made new by changing its sequence number in the clear.
Packet forged(Scene& s, std::uint32_t ssrc, int steps) {
  Packet packet;
  for (const Packet& p : s.recorded(s.alice, Scene::Kind::rtp)) {
    if (load_u32(p, 8) == ssrc) packet = p;
  }
  store_u16(packet, 2, static_cast<std::uint16_t>(load_u16(packet, 2) + steps));
  return packet;
}

std::size_t index_at(const Packet& srtcp, bool gcm) {
  return srtcp.size() - (gcm ? 4 : 14);
}

Packet sequenced(Scene& s, std::uint32_t ssrc, std::uint16_t sequence) {
  return s.rtp(s.alice, plain_rtp(sequence, ssrc, 40));
}

}  // namespace

std::vector<Attack> media_attacks() {
  constexpr auto anyone = Attacker::anyone;
  constexpr auto bad_tag = Counter::drop_srtp_bad_tag;
  constexpr auto replay = Counter::drop_srtp_replay;
  constexpr auto old = Counter::drop_srtp_old;
  return {
      {Rule::no_plaintext_media,
       "plaintext rtp from proven tuples",
       anyone,
       {bad_tag},
       [](Scene& s) {
         Out out;
         for (const std::uint32_t ssrc : {1000U, 2000U, 4242U, HostileScene::declared_ssrc}) {
           out.push_back({s.alice.setup.tuple, plain_rtp(7, ssrc)});
           out.push_back({s.bob.setup.tuple, plain_rtp(7, ssrc)});
         }
         return out;
       }},
      {Rule::no_plaintext_media,
       "plaintext rtp from others",
       anyone,
       {Counter::drop_unknown_tuple},
       [](Scene& s) { return Out{{s.stranger, plain_rtp(7, 1000)}, {s.carol.setup.tuple, plain_rtp(7, 1000)}}; }},
      {Rule::no_plaintext_media,
       "plaintext rtcp from proven tuples",
       anyone,
       {Counter::drop_rtcp_parse},
       [](Scene& s) {
         Out out;
         for (const Packet& packet : plain_rtcp(s.call.wish(0, 1, true).ssrc)) {
           out.push_back({s.alice.setup.tuple, packet});
           out.push_back({s.bob.setup.tuple, packet});
         }
         return out;
       }},
      {Rule::no_plaintext_media,
       "plaintext rtcp from others",
       anyone,
       {Counter::drop_unknown_tuple},
       [](Scene& s) {
         Out out;
         for (const Packet& packet : plain_rtcp(s.call.wish(0, 1, true).ssrc)) {
           out.push_back({s.stranger, packet});
           out.push_back({s.carol.setup.tuple, packet});
         }
         return out;
       }},
      {Rule::no_keys_no_media,
       "media of a peer whose handshake is not done",
       anyone,
       {Counter::drop_srtp_no_keys},
       [](Scene& s) {
         Out out{{s.dave.setup.tuple, plain_rtp(1, 1000)}};
         for (const Packet& packet : plain_rtcp(1000)) out.push_back({s.dave.setup.tuple, packet});
         out.push_back({s.dave.setup.tuple, s.recorded(s.alice, Scene::Kind::rtp).back()});
         out.push_back({s.dave.setup.tuple, s.recorded(s.alice, Scene::Kind::rtcp).back()});
         return out;
       }},
      {Rule::authentic_media,
       "srtp with a new number and an old tag",
       anyone,
       {bad_tag},
       [](Scene& s) {
         Out out;
         // Ahead by little and by half the number space: a guessed rollover must not be kept.
         for (const int ahead : {1, 5, 100, 3000, 20'000, 32'000}) {
           out.push_back({s.alice.setup.tuple, forged(s, 1000, ahead + 200)});
         }
         return out;
       }},
      {Rule::authentic_media,
       "srtp with every byte of the packet turned",
       anyone,
       {bad_tag, Counter::drop_rtp_parse, old, replay, Counter::drop_rtcp_parse, Counter::drop_unknown_class},
       [](Scene& s) {
         Out out;
         const Packet fresh = sequenced(s, 4242, 100);
         for (std::size_t i = 0; i < fresh.size(); ++i) {
           Packet wrong = fresh;
           wrong[i] ^= std::byte{0x11};
           out.push_back({s.alice.setup.tuple, wrong});
         }
         // Some of all this is only dropped for its age: of a stream whose packets the window knows.
         out.push_back({s.alice.setup.tuple, forged(s, 1000, -3000)});
         out.push_back({s.alice.setup.tuple, forged(s, 1000, 0)});
         Packet control = s.recorded(s.alice, Scene::Kind::rtcp).back();
         control[index_at(control, s.alice.setup.gcm)] &= std::byte{0x7f};
         out.push_back({s.alice.setup.tuple, control});
         Packet version = fresh;
         version[0] = std::byte{0xc0};
         out.push_back({s.alice.setup.tuple, version});
         Packet extension = fresh;
         extension[0] |= std::byte{0x1f};
         out.push_back({s.alice.setup.tuple, extension});
         return out;
       }},
      {Rule::authentic_media,
       "srtp under the keys of another peer",
       anyone,
       {bad_tag},
       [](Scene& s) {
         Out out;
         for (int i = 0; i < 10; ++i) {
           Packet plain = plain_rtp(static_cast<std::uint16_t>(600 + i), 6000, 40);
           out.push_back({s.bob.setup.tuple, s.rtp(s.alice, plain)});
         }
         return out;
       }},
      {Rule::replay,
       "recorded srtp from the right tuple",
       anyone,
       {replay},
       [](Scene& s) {
         Out out;
         for (const Packet& packet : s.recorded(s.alice, Scene::Kind::rtp)) out.push_back({s.alice.setup.tuple, packet});
         return out;
       }},
      {Rule::replay,
       "recorded srtcp from the right tuple",
       anyone,
       {replay},
       [](Scene& s) {
         Out out;
         for (const Packet& packet : s.recorded(s.alice, Scene::Kind::rtcp)) out.push_back({s.alice.setup.tuple, packet});
         return out;
       }},
      {Rule::replay,
       "recorded srtp from another proven tuple",
       anyone,
       {bad_tag},
       [](Scene& s) {
         Out out;
         for (const Packet& packet : s.recorded(s.alice, Scene::Kind::rtp)) out.push_back({s.bob.setup.tuple, packet});
         return out;
       }},
      {Rule::replay,
       "recorded srtcp from another proven tuple",
       anyone,
       {bad_tag, replay},
       [](Scene& s) {
         Out out;
         for (const Packet& packet : s.recorded(s.alice, Scene::Kind::rtcp)) out.push_back({s.bob.setup.tuple, packet});
         return out;
       }},
      {Rule::old_index,
       "authentic srtp older than the window",
       anyone,
       {old},
       [](Scene& s) {
         Out out;
         for (const Packet& packet : s.kept) out.push_back({s.alice.setup.tuple, packet});
         return out;
       },
       [](Scene& s) {
         for (std::uint16_t sequence = 100; sequence < 110; ++sequence) s.kept.push_back(sequenced(s, 4343, sequence));
         Packet ahead = sequenced(s, 4343, 1200);
         s.world.core.handle_datagram(s.world.now, s.alice.setup.tuple, ahead);
       }},
      {Rule::old_index,
       "forged srtp older than the window",
       anyone,
       {old},
       [](Scene& s) {
         Out out;
         for (const int behind : {1500, 5000, 20'000}) out.push_back({s.alice.setup.tuple, forged(s, 1000, -behind)});
         return out;
       }},
      {Rule::rtp_extension,
       "extension block longer than the packet",
       anyone,
       {Counter::drop_rtp_parse},
       [](Scene& s) {
         Out out;
         for (const std::uint16_t words : {std::uint16_t{20}, std::uint16_t{100}, std::uint16_t{0xffff}}) {
           Packet packet = plain_rtp(9, 1000, 60);
           packet[0] |= std::byte{0x10};
           store_u16(packet, 12, 0xbede);
           store_u16(packet, 14, words);
           out.push_back({s.alice.setup.tuple, packet});
         }
         return out;
       }},
      {Rule::rtp_csrc,
       "more csrcs than bytes",
       anyone,
       {Counter::drop_rtp_parse, Counter::drop_bad_length},
       [](Scene& s) {
         Packet many = plain_rtp(9, 1000, 50);
         many[0] |= std::byte{0x0f};
         Packet no_room = plain_rtp(9, 1000, 72);  // the CSRCs fit, the trailer does not
         no_room[0] |= std::byte{0x0f};
         return Out{{s.alice.setup.tuple, many}, {s.alice.setup.tuple, no_room}};
       }},
      {Rule::rtp_payload_type,
       "payload types 64 to 95 without proof",
       anyone,
       {Counter::drop_rtcp_parse, bad_tag},
       [](Scene& s) {
         Out out;
         for (unsigned type = 64; type < 96; ++type) {
           for (const unsigned marker : {0U, 0x80U}) {
             Packet packet = plain_rtp(9, 1000);
             packet[1] = static_cast<std::byte>(type | marker);
             out.push_back({s.alice.setup.tuple, packet});
             packet[index_at(packet, s.alice.setup.gcm)] |= std::byte{0x80};  // "encrypted"
             out.push_back({s.alice.setup.tuple, packet});
           }
         }
         return out;
       }},
      {Rule::binding_needs_proof,
       "mid and rid in the clear with a new ssrc",
       anyone,
       {bad_tag},
       [](Scene& s) {
         // The ids are negotiated: mid "v" and rid "q" in one-byte form, in front of a payload without a tag.
         Packet packet = plain_rtp(9, 7777);
         packet[0] |= std::byte{0x10};
         store_u16(packet, 12, 0xbede);
         store_u16(packet, 14, 1);
         packet[16] = static_cast<std::byte>(s.alice.setup.extensions.mid << 4U);
         packet[17] = std::byte{'v'};
         packet[18] = static_cast<std::byte>(s.alice.setup.extensions.rid << 4U);
         packet[19] = std::byte{'q'};
         return Out{{s.alice.setup.tuple, packet}, {s.bob.setup.tuple, packet}};
       }},
      {Rule::rtcp_authentic,
       "srtcp with a new index and an old tag",
       anyone,
       {bad_tag},
       [](Scene& s) {
         Out out;
         for (const Packet& recorded : s.recorded(s.alice, Scene::Kind::rtcp)) {
           Packet packet = recorded;
           const std::size_t at = index_at(packet, s.alice.setup.gcm);
           store_u32(packet, at, load_u32(packet, at) + 5000);
           out.push_back({s.alice.setup.tuple, packet});
         }
         return out;
       }},
      {Rule::rtcp_authentic,
       "srtcp that says it is not encrypted",
       anyone,
       {Counter::drop_rtcp_parse},
       [](Scene& s) {
         Out out;
         for (const Packet& recorded : s.recorded(s.alice, Scene::Kind::rtcp)) {
           Packet packet = recorded;
           packet[index_at(packet, s.alice.setup.gcm)] &= std::byte{0x7f};
           out.push_back({s.alice.setup.tuple, packet});
         }
         return out;
       }},
      {Rule::rtcp_authentic,
       "srtcp with the highest index",
       anyone,
       {bad_tag},
       [](Scene& s) {
         Packet packet = s.recorded(s.alice, Scene::Kind::rtcp).back();
         store_u32(packet, index_at(packet, s.alice.setup.gcm), 0xffff'ffffU);
         return Out{{s.alice.setup.tuple, packet}};
       }},
  };
}

}  // namespace sluice::sim
