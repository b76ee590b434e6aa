// Floods of junk against a running worker: no reply, no memory, no message, no growth, and the call does not feel it. What
// it costs in time measures bench/dataplane/worker/flood_bench.cpp.
#include <gtest/gtest.h>

#include <random>

#include "tests/sim/allocation_count.hpp"
#include "tests/sim/hostile_scene.hpp"
#include "tests/sim/hostile_stun.hpp"

namespace sluice::sim {
namespace {

struct Flood {
  const char* name;
  std::function<HostileDatagram(HostileScene&, std::mt19937_64&)> datagram;
};

Tuple somebody(std::mt19937_64& random) {
  Tuple tuple{SocketAddress::from_ipv4({198, 51, 100, 1}, 1), 0};
  for (std::size_t i = 12; i < 16; ++i) tuple.remote.ip[i] = static_cast<std::uint8_t>(random());
  tuple.remote.port = static_cast<std::uint16_t>(random());
  return tuple;
}

Packet noise(std::mt19937_64& random, std::size_t size) {
  Packet packet(size);
  for (std::byte& b : packet) b = static_cast<std::byte>(random());
  return packet;
}

Packet starting(Packet packet, unsigned first, unsigned second) {
  packet[0] = static_cast<std::byte>(first);
  packet[1] = static_cast<std::byte>(second);
  return packet;
}

const std::vector<Flood>& floods() {
  static const std::vector<Flood> all{
      {"RandomBytes",
       [](HostileScene&, std::mt19937_64& r) { return HostileDatagram{somebody(r), noise(r, 1 + r() % 1600)}; }},
      {"StunOfNobody",
       [](HostileScene&, std::mt19937_64& r) {
         HostileStun stun;
         stun.username = "frag" + std::to_string(r() % 1000 + 100) + ":peer";
         stun.password = "another-password-of-22-chars";
         return HostileDatagram{somebody(r), stun.bytes()};
       }},
      {"StunWithWrongIntegrity",
       [](HostileScene& s, std::mt19937_64& r) {
         HostileStun stun;
         stun.username = s.alice.setup.ufrag + ":peer";
         stun.password = "another-password-of-22-chars";
         stun.id = static_cast<std::uint32_t>(r());
         return HostileDatagram{somebody(r), stun.bytes()};
       }},
      {"RtpOfStrangers",
       [](HostileScene&, std::mt19937_64& r) {
         return HostileDatagram{somebody(r), starting(noise(r, 200 + r() % 1000), 0x80, 96)};
       }},
      {"DtlsOfStrangers",
       [](HostileScene&, std::mt19937_64& r) { return HostileDatagram{somebody(r), starting(noise(r, 200), 22, 0xfe)}; }},
      {"RtpSpoofedFromAPeer",
       [](HostileScene& s, std::mt19937_64& r) {
         return HostileDatagram{s.alice.setup.tuple, starting(noise(r, 200), 0x80, 96)};
       }},
      {"RtcpSpoofedFromAPeer",
       [](HostileScene& s, std::mt19937_64& r) {
         return HostileDatagram{s.alice.setup.tuple, starting(noise(r, 100), 0x80, 201)};
       }},
      {"RecordedFromElsewhere",
       [](HostileScene& s, std::mt19937_64& r) {
         static thread_local std::vector<Packet> recorded;
         if (recorded.empty()) recorded = s.recorded(s.alice, HostileScene::Kind::rtp);
         return HostileDatagram{somebody(r), recorded[r() % recorded.size()]};
       }},
  };
  return all;
}

class FloodTest : public testing::TestWithParam<Flood> {};

TEST_P(FloodTest, CostsNothingThatLasts) {
  HostileScene scene(true);
  HostileScene peaceful(true);
  SimWorld& world = scene.world;
  std::mt19937_64 random(7);
  AllocationCount allocations;
  const Image before = Image::of(world);
  for (int burst = 0; burst < 20; ++burst) {
    const Image image = Image::of(world);
    for (int i = 0; i < 250; ++i) {
      HostileDatagram junk = GetParam().datagram(scene, random);
      allocations.on(true);
      world.core.handle_datagram(world.now, junk.from, junk.bytes);
      allocations.on(false);
    }
    allocations.on(true);
    world.core.flush(world.now);
    allocations.on(false);
    ASSERT_EQ(image.difference(Image::of(world)), "") << "burst " << burst;
    world.run_for(std::chrono::milliseconds(50));
    peaceful.world.run_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(allocations.total(), 0U);
  EXPECT_EQ(scene.heard, peaceful.heard) << "the call went on in another way";
  const CounterSnapshot counted = world.memory.counters->snapshot().since(before.counters);
  std::uint64_t drops = 0;
  for (std::size_t i = 0; i < counter_count; ++i) {
    if (counter_infos[i].family == "sluice_drops_total") drops += counted.values[i];
  }
  EXPECT_GE(drops, 5000U) << "each one is counted";
  EXPECT_EQ(peaceful.world.counter(Counter::forwarded_packets), world.counter(Counter::forwarded_packets));
}

INSTANTIATE_TEST_SUITE_P(Junk, FloodTest, testing::ValuesIn(floods()),
                         [](const auto& flood) { return std::string(flood.param.name); });

/// All packet buffers are taken: what cannot be sent is dropped and counted, and everything goes on when they are back.
TEST(PoolExhaustion, DropsAreCountedAndTheCallGoesOn) {
  HostileScene scene(true);
  SimWorld& world = scene.world;
  std::vector<PacketBuffer> taken;
  while (PacketBuffer buffer = world.acquire()) taken.push_back(std::move(buffer));
  const auto dropped = world.counter(Counter::drop_pool_exhausted);
  const auto sent = world.sent_datagrams;
  world.run_for(std::chrono::seconds(2));
  EXPECT_EQ(world.sent_datagrams, sent);
  EXPECT_GT(world.counter(Counter::drop_pool_exhausted), dropped + 100);
  EXPECT_EQ(scene.record(scene.alice).phase, TransportPhase::connected);
  taken.clear();
  const std::uint64_t before = scene.call.stream(1, 0, true).total;
  world.run_for(std::chrono::seconds(2));
  EXPECT_GT(scene.call.stream(1, 0, true).total, before + 50);
  EXPECT_EQ(judge(scene.call.stream(1, 0, true)).invalid, 0U);
  EXPECT_EQ(world.repeated_indices, 0U) << "a number that was not sent is spent all the same";
}

}  // namespace
}  // namespace sluice::sim
