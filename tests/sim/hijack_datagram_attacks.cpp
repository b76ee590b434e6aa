// Attacks by datagrams that claim to be nothing, DTLS, or media of a tuple that was never proven.
#include <array>

#include "tests/sim/hijack_rules.hpp"

namespace sluice::sim {
namespace {

using Scene = HostileScene;
using Out = std::vector<HostileDatagram>;

Out from(std::initializer_list<Tuple> tuples, const std::vector<Packet>& packets) {
  Out out;
  for (const Tuple& tuple : tuples) {
    for (const Packet& packet : packets) out.push_back({tuple, packet});
  }
  return out;
}

Packet filled(std::size_t size, unsigned first, unsigned second = 0) {
  Packet packet(size, std::byte{0x61});
  if (size > 0) packet[0] = static_cast<std::byte>(first);
  if (size > 1) packet[1] = static_cast<std::byte>(second);
  return packet;
}

/// One DTLS 1.2 record in the clear.
Packet record(unsigned content_type, std::initializer_list<unsigned> body) {
  Packet packet{static_cast<std::byte>(content_type), std::byte{0xfe}, std::byte{0xfd}};
  packet.resize(12);
  packet.push_back(static_cast<std::byte>(body.size()));
  for (const unsigned b : body) packet.push_back(static_cast<std::byte>(b));
  return packet;
}

std::vector<Packet> dtls_records() {
  // ClientHello begun, change cipher spec, application data, heartbeat, a record with a connection id.
  return {record(22, {1, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xfd}), record(20, {1}), record(23, {1, 2, 3}),
          record(24, {1, 0, 3, 1, 2, 3}), record(25, {1, 2, 3})};
}
std::vector<Packet> dtls_ends() {
  return {record(21, {1, 0}), record(21, {2, 40}), record(21, {2, 0}), record(21, {2, 90})};  // close_notify and fatal ones
}

}  // namespace

std::vector<Attack> datagram_attacks() {
  constexpr auto anyone = Attacker::anyone;
  constexpr auto bad_length = Counter::drop_bad_length;
  constexpr auto unknown = Counter::drop_unknown_class;
  constexpr auto unproven = Counter::drop_dtls_not_validated;
  constexpr auto no_tuple = Counter::drop_unknown_tuple;
  return {
      {Rule::length,
       "empty and tiny datagrams",
       anyone,
       {bad_length},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (std::size_t size = 0; size < 8; ++size) {
           for (const unsigned first : {0U, 22U, 0x80U, 0xffU}) packets.push_back(filled(size, first, 200));
         }
         return from({s.stranger, s.alice.setup.tuple}, packets);
       }},
      {Rule::length,
       "datagrams shorter than their protocol",
       anyone,
       {unknown},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (std::size_t size = 8; size < 20; ++size) packets.push_back(filled(size, 0, 1));
         for (std::size_t size = 8; size < 13; ++size) packets.push_back(filled(size, 22));
         for (std::size_t size = 8; size < 12; ++size) packets.push_back(filled(size, 0x80, 96));
         return from({s.stranger, s.alice.setup.tuple}, packets);
       }},
      {Rule::length,
       "datagrams over 1500 bytes",
       anyone,
       {bad_length},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (const unsigned first : {0U, 22U, 0x80U, 0xffU}) {
           packets.push_back(filled(1501, first, 96));
           packets.push_back(filled(2048, first, 200));
         }
         return from({s.stranger, s.alice.setup.tuple}, packets);
       }},
      {Rule::length,
       "srtp and srtcp shorter than their trailer",
       anyone,
       {bad_length},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (std::size_t size = 12; size < 22; ++size) packets.push_back(filled(size, 0x80, 96));
         for (std::size_t size = 8; size < 22; ++size) packets.push_back(filled(size, 0x80, 200));
         return from({s.alice.setup.tuple, s.bob.setup.tuple}, packets);
       }},
      {Rule::first_byte,
       "every undefined first byte",
       anyone,
       {unknown},
       [](Scene& s) {
         std::vector<Packet> packets;
         for (unsigned first = 4; first < 256; ++first) {
           if ((first >= 20 && first <= 63) || (first >= 128 && first <= 191)) continue;
           packets.push_back(filled(100, first, 96));
         }
         return from({s.stranger, s.alice.setup.tuple, s.dave.setup.tuple}, packets);
       }},
      {Rule::dtls_validated_tuple,
       "dtls from a stranger",
       anyone,
       {unproven},
       [](Scene& s) { return from({s.stranger}, dtls_records()); }},
      {Rule::dtls_validated_tuple,
       "dtls from the next port of a proven host",
       anyone,
       {unproven},
       [](Scene& s) {
         Tuple near = s.alice.setup.tuple;
         ++near.remote.port;
         Tuple other_socket = s.alice.setup.tuple;
         ++other_socket.socket;
         return from({near, other_socket}, dtls_records());
       }},
      {Rule::dtls_after_ice,
       "dtls of a transport that waits for its first check",
       anyone,
       {unproven},
       [](Scene& s) { return from({s.carol.setup.tuple}, dtls_records()); }},
      {Rule::dtls_close,
       "dtls close and alerts from unproven addresses",
       anyone,
       {unproven},
       [](Scene& s) { return from({s.stranger, s.carol.setup.tuple}, dtls_ends()); }},
      {Rule::tuples_from_checks_only,
       "media and dtls from a new address, again and again",
       anyone,
       {no_tuple, unproven},
       [](Scene& s) {
         Out out;
         const Packet media = s.recorded(s.alice, Scene::Kind::rtp).back();
         const Packet control = s.recorded(s.alice, Scene::Kind::rtcp).back();
         for (int i = 0; i < 20; ++i) {
           for (const Packet& packet : {media, control, dtls_records()[0]}) out.push_back({s.stranger, packet});
         }
         return out;
       }},
      {Rule::tuples_from_checks_only,
       "tuple theft: everything the victim ever sent, from elsewhere",
       anyone,
       {no_tuple, Counter::drop_stun_bad_integrity},
       [](Scene& s) {
         Out out;
         for (const auto kind : {Scene::Kind::rtp, Scene::Kind::rtcp, Scene::Kind::stun}) {
           for (const Packet& packet : s.recorded(s.alice, kind)) out.push_back({s.stranger, packet});
         }
         return out;
       }},
      {Rule::tuples_from_checks_only,
       "tuple theft: packets that did not reach the worker yet",
       anyone,
       {no_tuple},
       [](Scene& s) {
         // An attacker nearer to the worker is first with the victim's own, fresh bytes.
         Out out;
         for (int i = 0; i < 20; ++i) {
           Packet plain = filled(60, 0x80, 96);
           store_u16(plain, 2, static_cast<std::uint16_t>(500 + i));
           store_u32(plain, 8, 1000);
           out.push_back({s.stranger, s.rtp(s.alice, plain)});
         }
         return out;
       }},
  };
}

}  // namespace sluice::sim
