#include "tests/sim/allocation_count.hpp"
#include "tests/sim/call.hpp"

namespace sluice::sim {
namespace {

/// Counts what the core allocates while it works, and nothing of the test around it.
TEST(PacketPath, AllocatesNothing) {
  Call call(21, 3);
  SimWorld& w = call.world;
  for (SimPeer* peer : call.members) {
    w.network.up(peer->setup.tuple).weather.loss = 0.02;  // so that NACKs, RTX and PLIs are on the path, too
    w.network.down(peer->setup.tuple).weather.loss = 0.02;
  }
  w.connect_all();
  w.run_for(std::chrono::seconds(15));  // the first packet of an incoming SSRC makes its replay window
  w.memory.messages.keep = false;
  w.watching = false;
  const auto forwarded = w.counter(Counter::forwarded_packets);
  const auto resent = w.counter(Counter::rtx_sent);
  AllocationCount allocations;
  w.around_core = [&](bool before) { allocations.on(before); };
  w.run_for(std::chrono::seconds(4));
  EXPECT_GT(w.counter(Counter::forwarded_packets), forwarded + 2000);
  EXPECT_GT(w.counter(Counter::rtx_sent), resent + 10);
  EXPECT_EQ(allocations.total(), 0U) << "operator new on the packet path";
}

}  // namespace
}  // namespace sluice::sim
