#include "control/bus/bus.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace sluice {
namespace {

struct Rang {
  int number = 0;
};
struct Stopped {};

using Log = std::vector<std::string>;

TEST(Bus, delivers_in_subscription_order_and_only_the_fact_asked_for) {
  Bus bus;
  Log log;
  auto first = bus.subscribe<Rang>([&](const Rang& rang) { log.push_back("a" + std::to_string(rang.number)); });
  auto second = bus.subscribe<Rang>([&](const Rang& rang) { log.push_back("b" + std::to_string(rang.number)); });
  auto other = bus.subscribe<Stopped>([&](const Stopped&) { log.push_back("stopped"); });
  bus.publish(Rang{1});
  bus.publish(Stopped{});
  EXPECT_EQ(log, (Log{"a1", "b1", "stopped"}));
}

TEST(Bus, nobody_listening_is_fine) {
  Bus bus;
  bus.publish(Rang{1});
}

TEST(Bus, ends_a_subscription_with_its_handle) {
  Bus bus;
  int calls = 0;
  {
    auto handle = bus.subscribe<Rang>([&](const Rang&) { ++calls; });
    bus.publish(Rang{});
    Bus::Subscription moved = std::move(handle);
    bus.publish(Rang{});
    moved = Bus::Subscription{};
    bus.publish(Rang{});
  }
  bus.publish(Rang{});
  EXPECT_EQ(calls, 2);
}

TEST(Bus, a_handle_may_outlive_the_bus) {
  std::optional<Bus> bus(std::in_place);
  auto handle = bus->subscribe<Rang>([](const Rang&) {});
  bus.reset();
  handle.cancel();
}

TEST(Bus, a_fact_published_while_delivering_comes_after_the_current_one_for_everybody) {
  Bus bus;
  Log log;
  auto first = bus.subscribe<Rang>([&](const Rang& rang) {
    log.push_back("a" + std::to_string(rang.number));
    if (rang.number < 2) {
      bus.publish(Rang{rang.number + 1});
      log.push_back("published");
    }
  });
  auto second = bus.subscribe<Rang>([&](const Rang& rang) { log.push_back("b" + std::to_string(rang.number)); });
  bus.publish(Rang{0});
  EXPECT_EQ(log, (Log{"a0", "published", "b0", "a1", "published", "b1", "a2", "b2"}));
}

TEST(Bus, one_subscribed_during_a_delivery_sees_only_later_facts) {
  Bus bus;
  int late_calls = 0;
  std::vector<Bus::Subscription> handles;
  Bus::Subscription first = bus.subscribe<Rang>([&](const Rang&) {
    for (int i = 0; i < 20; ++i) handles.push_back(bus.subscribe<Rang>([&](const Rang&) { ++late_calls; }));
    first.cancel();
  });
  bus.publish(Rang{});
  EXPECT_EQ(late_calls, 0);
  bus.publish(Rang{});
  EXPECT_EQ(late_calls, 20);
}

TEST(Bus, one_cancelled_during_a_delivery_is_not_called_any_more) {
  Bus bus;
  int calls = 0;
  Bus::Subscription second;
  auto first = bus.subscribe<Rang>([&](const Rang&) { second.cancel(); });
  second = bus.subscribe<Rang>([&](const Rang&) { ++calls; });
  bus.publish(Rang{});
  EXPECT_EQ(calls, 0);
}

TEST(Bus, what_subscribed_after_a_mark_can_be_told_alone) {
  Bus bus;
  std::vector<int> heard;
  const auto early = bus.subscribe<Rang>([&](const Rang&) { heard.push_back(1); });
  const Bus::Mark mark = bus.mark();
  const auto late = bus.subscribe<Rang>([&](const Rang&) { heard.push_back(2); });
  bus.publish_since(mark, Rang{});
  EXPECT_EQ(heard, std::vector<int>{2});
  bus.publish(Rang{});
  EXPECT_EQ(heard, (std::vector<int>{2, 1, 2}));
}

}  // namespace
}  // namespace sluice
