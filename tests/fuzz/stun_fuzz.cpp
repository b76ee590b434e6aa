// uses: dataplane_ice
// Datagrams at an agent with known credentials. What is dropped must leave the state byte for byte as it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "dataplane/ice/ice_lite_agent.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  static const StunCodec codec;
  IceState state{};
  IceLiteAgent agent(state, codec);
  agent.set_credentials({.local_ufrag = *Ufrag::from("evtj"),
                         .local_pwd = *IcePassword::from("VOkJxbRl1RmTxUk/WvJxBt"),
                         .remote_ufrag = *Ufrag::from("h6vY")});
  IceState before;
  std::memcpy(static_cast<void*>(&before), &state, sizeof state);
  const Tuple from{.remote = SocketAddress::from_ipv4({192, 0, 2, 1}, 32853), .socket = 0};
  const TimePoint now(std::chrono::seconds(1));
  const auto handled = agent.handle_datagram(now, from, std::as_bytes(std::span(data, size)));
  if (!handled && std::memcmp(&before, &state, sizeof state) != 0) std::abort();
  if (handled && (handled->reply.size == 0 || handled->reply.size > size)) std::abort();
  return 0;
}
