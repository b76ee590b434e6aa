// The monotonic clock jumps (a suspended machine, a paused virtual machine): every machine survives, nobody spins, consent
// expires, and what comes back goes on. CLOCK_REALTIME is not known here at all.
#include <gtest/gtest.h>

#include "tests/sim/call.hpp"

namespace sluice::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ClockJump : public testing::TestWithParam<Duration> {
 protected:
  ClockJump() : call(31, 3), world(call.world) {
    for (SimPeer* peer : call.members) {
      world.network.up(peer->setup.tuple).weather.loss = 0.02;  // so that NACKs and RTX are under way
      world.network.down(peer->setup.tuple).weather.loss = 0.02;
    }
    world.connect_all();
    world.run_for(seconds(5));
  }
  /// The worker wakes up `jump` later: its due work must be done in a few calls, whatever has been missed.
  std::size_t wake_after(Duration jump) {
    world.now += jump;
    std::size_t calls = 0;
    while (world.core.next_deadline() <= world.now && calls < 1000) {
      world.core.flush(world.now);
      world.core.handle_timeout(world.now);
      ++calls;
    }
    return calls;
  }
  Call call;
  SimWorld& world;
};

TEST_P(ClockJump, IsCaughtUpAtOnceAndTheCallGoesOn) {
  const Duration jump = GetParam();
  const auto sent = world.sent_datagrams;
  EXPECT_LE(wake_after(jump), 4U);
  EXPECT_LE(world.sent_datagrams - sent, 100U) << "what was missed is not made up for";
  for (const SimPeer* peer : call.members) {
    EXPECT_EQ(world.memory.transports[peer->setup.id.slot].phase,
              jump >= seconds(30) ? TransportPhase::disconnected : TransportPhase::connected);
  }
  // The peers slept as well (the same machine), or did not: either way they check again and media is back.
  std::map<std::tuple<std::uint32_t, std::uint32_t, bool>, std::uint64_t> before;
  for (const auto& [who, wish] : call.wishes) {
    before[who] = call.stream(std::get<0>(who), std::get<1>(who), std::get<2>(who)).total;
  }
  std::size_t timeouts = 0;
  bool inside = false;
  world.around_core = [&](bool entered) { timeouts += entered && !inside ? 1 : 0, inside = entered; };
  world.run_for(seconds(5));
  EXPECT_LT(timeouts, 40'000U) << "somebody spins";
  for (const auto& [who, wish] : call.wishes) {
    const ReceivedStream& stream = call.stream(std::get<0>(who), std::get<1>(who), std::get<2>(who));
    EXPECT_GT(stream.total, before[who] + 50) << "peer " << std::get<0>(who) << " from " << std::get<1>(who);
    const Verdicts verdict = judge(stream);
    EXPECT_EQ(verdict.invalid, 0U);
    EXPECT_TRUE(verdict.faults.empty()) << verdict.faults.front();
  }
  EXPECT_EQ(world.repeated_indices, 0U);
}

TEST_P(ClockJump, AloneForEverItIsIdle) {
  // Nobody comes back. After consent and spares have run out there is next to nothing to do.
  world.peers.clear();
  world.watching = false;  // its bookkeeping knows peers only
  (void)wake_after(GetParam());
  std::size_t calls = 0;
  const TimePoint end = world.now + hours(1);
  while (world.core.next_deadline() <= end && calls < 1'000'000) {
    world.now = std::max(world.now, world.core.next_deadline());
    world.core.handle_timeout(world.now);
    ++calls;
  }
  EXPECT_LT(calls, 3U * 3600U * 8U) << "more than eight wakes per peer and second";
}

INSTANTIATE_TEST_SUITE_P(By, ClockJump,
                         testing::Values(Duration(milliseconds(900)), Duration(seconds(10)), Duration(seconds(40)),
                                         Duration(hours(1)), Duration(hours(24 * 400))));

}  // namespace
}  // namespace sluice::sim
