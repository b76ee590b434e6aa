#include "dataplane/packet/packet_class.hpp"

namespace sluice {
namespace {

constexpr std::size_t stun_size_min = 20;
constexpr std::size_t dtls_size_min = 13;
constexpr std::size_t rtp_size_min = 12;
constexpr std::size_t rtcp_size_min = 8;

PacketClass at_least(std::size_t size_min, Bytes datagram, PacketClass result) noexcept {
  return datagram.size() < size_min ? PacketClass::unknown : result;
}

}  // namespace

PacketClass classify(Bytes datagram) noexcept {
  if (datagram.size() < 2 || datagram.size() > datagram_size_max) return PacketClass::unknown;
  const auto first = std::to_integer<unsigned>(datagram[0]);
  if (first <= 3) return at_least(stun_size_min, datagram, PacketClass::stun);
  if (first >= 20 && first <= 63) return at_least(dtls_size_min, datagram, PacketClass::dtls);
  if (first < 128 || first > 191) return PacketClass::unknown;
  const auto type = std::to_integer<unsigned>(datagram[1]) & 0x7fU;
  if (type >= 64 && type <= 95) return at_least(rtcp_size_min, datagram, PacketClass::rtcp);
  return at_least(rtp_size_min, datagram, PacketClass::rtp);
}

}  // namespace sluice
