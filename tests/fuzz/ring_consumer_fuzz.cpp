// uses: shm_ring
// A ring that a hostile process filled: 16 bytes of indices, then the data; and what two honest ends make of it later.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "shm/ring/ring_consumer.hpp"
#include "shm/ring/ring_producer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const auto ring = std::make_unique<RingLayout<512>>();
  std::uint64_t indices[2] = {};
  if (size != 0) std::memcpy(indices, data, std::min(size, sizeof(indices)));
  if (size > sizeof(indices)) {
    std::memcpy(ring->data.data(), data + sizeof(indices), std::min(size - sizeof(indices), ring->data.size()));
  }
  ring->header.produced = indices[0];
  ring->header.consumed = indices[1];
  RingConsumer consumer(*ring);
  const auto scratch = std::make_unique<std::byte[]>(200);
  const MutableBytes room(scratch.get(), 200);
  bool empty = false;
  // At most one message for every 8 bytes, and a fault or two, before it is empty.
  for (unsigned turn = 0; turn < 70 && !empty; ++turn) {
    const auto popped = consumer.try_pop(room);
    if (popped && *popped && **popped > room.size()) std::abort();
    empty = popped && !*popped;
  }
  if (!empty) std::abort();
  if (!consumer.prepare_to_sleep()) std::abort();
  RingProducer producer(*ring);
  const std::byte message[10] = {};
  if (producer.try_push(message) != PushResult::ok) std::abort();
  if (!producer.should_ring()) std::abort();
  const auto popped = consumer.try_pop(room);
  if (!popped || *popped != sizeof(message)) std::abort();
  return 0;
}
