#include "control/security/rate_limiter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/security/address.hpp"
#include "tests/support/memory_store.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Message = RateLimiter::Message;

struct RateLimiterFixture : ::testing::Test {
  static std::int64_t unix_ms(TimePoint at) { return at.time_since_epoch() / 1ms; }
  Bus bus;
  testing_support::MemoryStore store;
  TimePoint now = TimePoint{} + 1000s;
  BanList bans{store, "bans", unix_ms, now};
  RateLimiterOptions options;
  RateLimiter limiter{bus, bans, options};
  std::vector<AddressBanned> banned;
  std::vector<std::string> blocked;
  std::vector<PeerId> quiet;
  Bus::Subscription on_ban = bus.subscribe<AddressBanned>([this](const AddressBanned& fact) { banned.push_back(fact); });
  Bus::Subscription on_block =
      bus.subscribe<ConnectionBlocked>([this](const ConnectionBlocked& fact) { blocked.push_back(fact.ip); });
  Bus::Subscription on_drop =
      bus.subscribe<MessageBlocked>([this](const MessageBlocked& fact) { quiet.push_back(fact.peer); });
};

TEST_F(RateLimiterFixture, the_connection_after_the_last_allowed_bans_the_address) {
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(limiter.connection("192.0.2.1", now)) << i;
  EXPECT_FALSE(limiter.connection("192.0.2.1", now));
  ASSERT_EQ(banned.size(), 1U);
  EXPECT_EQ(banned[0].ip, "192.0.2.1");
  EXPECT_EQ(banned[0].until, unix_ms(now) + 60'000);
  EXPECT_TRUE(banned[0].by_rate_limit);
  EXPECT_EQ(blocked, std::vector<std::string>{"192.0.2.1"});
  EXPECT_TRUE(limiter.connection("192.0.2.2", now)) << "another address is another matter";
  now += 59s;
  EXPECT_FALSE(limiter.connection("192.0.2.1", now));
  EXPECT_EQ(banned.size(), 1U) << "a ban is not made longer by trying";
  now += 2s;
  EXPECT_TRUE(limiter.connection("192.0.2.1", now));
}

TEST_F(RateLimiterFixture, the_window_begins_with_the_first_connection_and_is_over_after_more_than_a_minute) {
  for (int i = 0; i < 30; ++i) (void)limiter.connection("192.0.2.1", now);
  now += 60s;
  EXPECT_FALSE(limiter.connection("192.0.2.1", now)) << "exactly a minute is still that window";
  for (int i = 0; i < 30; ++i) (void)limiter.connection("192.0.2.9", now);
  now += 60s + 1ms;
  EXPECT_TRUE(limiter.connection("192.0.2.9", now));
}

TEST_F(RateLimiterFixture, the_whitelist_is_exempt) {
  options.whitelist = {"192.0.2.1"};
  limiter.set_options(options);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(limiter.connection("192.0.2.1", now));
}

TEST_F(RateLimiterFixture, messages_above_either_limit_are_dropped_and_told_once_a_second) {
  const PeerId peer("p");
  for (int i = 0; i < 30; ++i) EXPECT_EQ(limiter.message(peer, now), Message::pass);
  EXPECT_EQ(limiter.message(peer, now), Message::drop_and_tell);
  EXPECT_EQ(limiter.message(peer, now + 500ms), Message::drop);
  EXPECT_EQ(quiet, std::vector<PeerId>{peer});
  EXPECT_EQ(limiter.message(PeerId("other"), now), Message::pass);
  // 32 counted so far; 30 in each of the next seconds until the minute is full.
  int passed = 0;
  for (int second = 2; second < 30; second += 2) {
    for (int i = 0; i < 30; ++i)
      passed += limiter.message(peer, now + std::chrono::seconds(second)) == Message::pass ? 1 : 0;
  }
  EXPECT_EQ(passed, 300 - 32);
  EXPECT_EQ(limiter.message(peer, now + 61s), Message::pass);
}

TEST_F(RateLimiterFixture, bans_can_be_set_and_lifted_and_outlive_the_process) {
  limiter.ban("192.0.2.7", 90s, now);
  ASSERT_EQ(limiter.bans(now).size(), 1U);
  {
    const BanList successor(store, "bans", unix_ms, now + 10s);
    EXPECT_TRUE(successor.contains("192.0.2.7", now + 10s));
  }
  EXPECT_FALSE(limiter.connection("192.0.2.7", now));
  EXPECT_TRUE(limiter.unban("192.0.2.7"));
  EXPECT_FALSE(limiter.unban("192.0.2.7"));
  EXPECT_TRUE(limiter.connection("192.0.2.7", now));
  limiter.ban("192.0.2.7", 90s, now);
  const BanList later(store, "bans", unix_ms, now + 91s);
  EXPECT_TRUE(later.bans(now + 91s).empty());
  EXPECT_TRUE(store.rows["bans"].empty()) << "what is over is forgotten";
}

TEST_F(RateLimiterFixture, what_is_over_is_not_kept_in_memory) {
  for (int i = 0; i < 50; ++i) (void)limiter.connection("192.0.2." + std::to_string(i), now);
  (void)limiter.message(PeerId("p"), now);
  EXPECT_EQ(limiter.tracked(), 51U);
  limiter.sweep(now + 61s);
  bus.publish(PeerClosed{PeerId("p")});
  EXPECT_EQ(limiter.tracked(), 0U);
}

TEST(Address, has_one_spelling) {
  EXPECT_EQ(canonical_address("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(canonical_address("::FFFF:C000:0201"), "192.0.2.1");
  EXPECT_EQ(canonical_address("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
  EXPECT_EQ(canonical_address("Strange"), "strange");
  EXPECT_TRUE(is_loopback_address("127.0.0.9"));
  EXPECT_TRUE(is_loopback_address("::1"));
  EXPECT_FALSE(is_loopback_address("192.0.2.1"));
}

TEST(BanList, makes_room_for_a_new_ban_by_the_one_that_ends_first) {
  testing_support::MemoryStore store;
  const auto unix_ms = [](TimePoint at) -> std::int64_t { return at.time_since_epoch() / 1ms; };
  const TimePoint now = TimePoint{} + 1s;
  BanList bans(store, "bans", unix_ms, now);
  for (std::size_t i = 0; i < BanList::bans_max; ++i)
    bans.add("host" + std::to_string(i), 1h + std::chrono::milliseconds(i), now);
  bans.add("another", 10s, now);
  EXPECT_FALSE(bans.contains("host0", now));
  EXPECT_TRUE(bans.contains("host1", now));
  EXPECT_TRUE(bans.contains("another", now));
  EXPECT_EQ(bans.bans(now).size(), BanList::bans_max);
}

}  // namespace
}  // namespace sluice
