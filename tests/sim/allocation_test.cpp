#include <cstdlib>
#include <new>

#include "tests/sim/call.hpp"

namespace {

thread_local bool counting = false;
thread_local std::size_t allocations = 0;

void* allocate(std::size_t size) {
  if (counting) ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

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
  std::size_t total = 0;
  w.around_core = [&](bool before) {
    if (before) {
      allocations = 0;
      counting = true;
    } else {
      counting = false;
      total += allocations;
    }
  };
  w.run_for(std::chrono::seconds(4));
  EXPECT_GT(w.counter(Counter::forwarded_packets), forwarded + 2000);
  EXPECT_GT(w.counter(Counter::rtx_sent), resent + 10);
  EXPECT_EQ(total, 0U) << "operator new on the packet path";
}

}  // namespace
}  // namespace sluice::sim
