// uses: dataplane_ice
// Datagrams at an agent with known credentials, as they come and with their attributes signed by the right password (the
// checksums stop a fuzzer otherwise). What is dropped must leave the state byte for byte as it was.
#include <stun/stunagent.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include "dataplane/ice/ice_lite_agent.hpp"
#include "shm/types/byte_order.hpp"

namespace {

using namespace sluice;

constexpr std::string_view password = "VOkJxbRl1RmTxUk/WvJxBt";

void handle(Bytes datagram) {
  static const StunCodec codec;
  IceState state{};
  IceLiteAgent agent(state, codec);
  agent.set_credentials({.local_ufrag = *Ufrag::from("evtj"),
                         .local_pwd = *IcePassword::from(password),
                         .remote_ufrag = *Ufrag::from("h6vY")});
  IceState before;
  std::memcpy(static_cast<void*>(&before), &state, sizeof state);
  const Tuple from{.remote = SocketAddress::from_ipv4({192, 0, 2, 1}, 32853), .socket = 0};
  const TimePoint now(std::chrono::seconds(1));
  const auto handled = agent.handle_datagram(now, from, datagram);
  if (!handled && std::memcmp(&before, &state, sizeof state) != 0) std::abort();
  if (handled && (handled->reply.size == 0 || handled->reply.size > datagram.size())) std::abort();
}

/// A request with the attributes that stand behind the header of `datagram`, correctly finished.
void handle_signed(Bytes datagram) {
  StunAgent client;
  stun_agent_init(
      &client, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
      static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT));
  std::array<std::uint8_t, 2000> buffer;
  StunMessage message{};
  if (!stun_agent_init_request(&client, &message, buffer.data(), buffer.size(), STUN_BINDING)) return;
  ByteReader reader(datagram);
  reader.skip(20);
  while (reader.remaining() >= 4) {
    const std::uint16_t attribute = reader.u16();
    const std::size_t size = reader.u16();
    const Bytes value = reader.take(size);
    reader.skip((4 - size % 4) % 4);
    if (!reader.ok() || attribute == STUN_ATTRIBUTE_MESSAGE_INTEGRITY || attribute == STUN_ATTRIBUTE_FINGERPRINT) break;
    (void)stun_message_append_bytes(&message, static_cast<StunAttribute>(attribute), value.data(), value.size());
  }
  const std::size_t size =
      stun_agent_finish_message(&client, &message, reinterpret_cast<const std::uint8_t*>(password.data()), password.size());
  if (size != 0) handle(std::as_bytes(std::span(buffer).first(size)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes datagram = std::as_bytes(std::span(data, size));
  handle(datagram);
  if (size >= 20 && size <= 1500) handle_signed(datagram);
  return 0;
}
