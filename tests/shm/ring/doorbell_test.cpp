#include "shm/ring/doorbell.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <set>
#include <thread>
#include <tuple>

#include "shm/ring/ring_consumer.hpp"
#include "shm/ring/ring_producer.hpp"
#include "tests/shm/ring/interleaving.hpp"

namespace sluice {
namespace {

bool readable(int fd, int timeout_ms) {
  pollfd poller{fd, POLLIN, 0};
  return poll(&poller, 1, timeout_ms) == 1;
}

TEST(Doorbell, is_readable_from_ring_to_silence) {
  const auto bell = Doorbell::create();
  ASSERT_TRUE(bell);
  EXPECT_FALSE(readable(bell->fd(), 0));
  EXPECT_FALSE(bell->silence());
  bell->ring();
  bell->ring();
  EXPECT_TRUE(readable(bell->fd(), 0));
  EXPECT_TRUE(bell->silence());
  EXPECT_FALSE(readable(bell->fd(), 0));
}

// The real code, through every order in which its accesses to shared memory and the bell can happen.
TEST(DoorbellProtocol, loses_no_wake_and_no_message_in_any_interleaving) {
  constexpr std::uint32_t messages = 2;
  std::unique_ptr<RingLayout<256>> ring;
  bool bell = false;
  bool lost = false;
  std::uint32_t received = 0;
  unsigned rings = 0;
  unsigned attempts = 0;  // to sleep

  const auto begin = [&]() -> std::array<test::Interleavings::Role, 2> {
    ring = std::make_unique<RingLayout<256>>();
    bell = lost = false;
    received = rings = attempts = 0;
    const auto produce = [&](test::Interleavings::Party& party) {
      RingProducer producer(*ring);
      bell = producer.should_ring();  // the ring that every new producer owes
      for (std::uint32_t i = 1; i <= messages; ++i) {
        party.pause();
        EXPECT_EQ(producer.try_push(std::as_bytes(std::span(&i, 1))), PushResult::ok);
        if (producer.should_ring([&] { party.pause(); })) {
          bell = true;
          ++rings;
        }
      }
    };
    const auto consume = [&](test::Interleavings::Party& party) {
      RingConsumer consumer(*ring);
      while (received < messages) {
        party.pause();
        std::uint32_t number = 0;
        const auto size = consumer.try_pop(std::as_writable_bytes(std::span(&number, 1)));
        EXPECT_TRUE(size);
        if (size && *size) {
          EXPECT_EQ(number, ++received);
          continue;
        }
        party.pause();
        ++attempts;
        if (!consumer.prepare_to_sleep([&] { party.pause(); })) continue;
        if (!party.wait_until([&] { return bell; })) {
          lost = true;
          return;
        }
        bell = false;
        consumer.wake_up();
      }
    };
    return {produce, consume};
  };
  const std::size_t orders = test::Interleavings::explore(begin, [&] {
    ASSERT_FALSE(lost);
    ASSERT_EQ(received, messages);
    ASSERT_LE(rings, attempts);  // at most one for each time the flag was set
  });
  EXPECT_GT(orders, 500U);
}

// The same protocol as a model with the store buffer of x86 (TSO): a plain store becomes visible some time later, a
// read-modify-write only after all stores before it. Finds every reachable state; a state is a lost wake when nothing can
// move any more and a message lies in the ring.
class TsoModel {
 public:
  enum class Look { exchange, plain_load };
  explicit TsoModel(Look look) : look_(look) {}

  [[nodiscard]] bool loses_a_wake() const {
    std::set<State> seen;
    std::deque<State> open{State{}};
    while (!open.empty()) {
      const State state = open.front();
      open.pop_front();
      if (!seen.insert(state).second) continue;
      const auto next = moves(state);
      if (next.empty() && state.consumed < messages) return true;
      open.insert(open.end(), next.begin(), next.end());
    }
    return false;
  }

 private:
  static constexpr int messages = 3;
  struct State {
    int produced_visible = 0, produced_buffered = 0;  // the store of `produced`, in memory and in the store buffer
    int sleeping = 0;
    int consumed = 0;
    int bell = 0;
    int producer_at = 0;  // 0 publish, 1 look at the flag, 2 ring
    int consumer_at = 0;  // 0 pop, 1 set the flag, 2 look again, 3 wait, 4 clear the flag
    auto operator<=>(const State&) const = default;
  };

  [[nodiscard]] std::vector<State> moves(const State& now) const {
    std::vector<State> next;
    const auto add = [&](auto change) {
      State state = now;
      change(state);
      next.push_back(state);
    };
    const bool pending = now.produced_visible != now.produced_buffered;
    if (pending) add([](State& s) { s.produced_visible = s.produced_buffered; });
    switch (now.producer_at) {
      case 0:
        if (now.produced_buffered < messages) add([](State& s) { ++s.produced_buffered, s.producer_at = 1; });
        break;
      case 1:
        if (look_ == Look::exchange && !pending) {
          add([](State& s) { s.producer_at = s.sleeping != 0 ? 2 : 0, s.sleeping = 0; });
        } else if (look_ == Look::plain_load) {
          add([](State& s) { s.producer_at = s.sleeping != 0 ? 2 : 0; });
        }
        break;
      default:
        add([](State& s) { s.bell = 1, s.producer_at = 0; });  // a system call: the buffer is irrelevant to the bell
    }
    switch (now.consumer_at) {
      case 0:
        add([](State& s) { s.produced_visible > s.consumed ? void(++s.consumed) : void(s.consumer_at = 1); });
        break;
      case 1:
        add([](State& s) { s.sleeping = 1, s.consumer_at = 2; });
        break;
      case 2:
        add([](State& s) { s.consumer_at = s.produced_visible > s.consumed ? 4 : 3; });
        break;
      case 3:
        if (now.bell != 0) add([](State& s) { s.bell = 0, s.consumer_at = 4; });
        break;
      default:
        add([](State& s) { s.sleeping = 0, s.consumer_at = 0; });
    }
    return next;
  }
  Look look_;
};

TEST(DoorbellProtocol, loses_no_wake_under_store_buffering) {
  EXPECT_FALSE(TsoModel(TsoModel::Look::exchange).loses_a_wake());
}

TEST(DoorbellProtocol, would_lose_wakes_if_the_producer_only_loaded_the_flag) {
  EXPECT_TRUE(TsoModel(TsoModel::Look::plain_load).loses_a_wake());
}

TEST(RingThreads, pass_every_message_in_order_while_the_consumer_sleeps_and_wakes) {
  constexpr std::uint32_t messages = 200'000;
  const auto ring = std::make_unique<RingLayout<4096>>();
  const auto bell = Doorbell::create();
  ASSERT_TRUE(bell);
  std::thread producing([&] {
    RingProducer producer(*ring);
    for (std::uint32_t number = 0; number < messages; ++number) {
      std::array<std::uint32_t, 16> words{};
      words.fill(number);
      const auto bytes = std::as_bytes(std::span(words)).first(4 + number % 61);
      while (producer.try_push(bytes) == PushResult::full) std::this_thread::yield();
      if (producer.should_ring()) bell->ring();
      if (number % 1024 == 0) std::this_thread::yield();
    }
  });
  RingConsumer consumer(*ring);
  std::array<std::byte, 64> scratch{};
  std::uint32_t received = 0;
  bool woken = true;
  while (received < messages && woken) {
    const auto size = consumer.try_pop(scratch);
    ASSERT_TRUE(size);
    if (*size) {
      std::uint32_t number = 0;
      std::memcpy(&number, scratch.data(), sizeof(number));
      ASSERT_EQ(number, received);
      ASSERT_EQ(**size, 4 + received % 61);
      ++received;
    } else if (consumer.prepare_to_sleep()) {
      woken = readable(bell->fd(), 20'000);
      consumer.wake_up();
      bell->silence();
    }
  }
  EXPECT_TRUE(woken);
  producing.join();
}

}  // namespace
}  // namespace sluice
