#include "control/security/join_limiter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;

struct JoinLimiterFixture : ::testing::Test {
  Bus bus;
  SystemEntropy entropy;
  Rooms rooms{bus, entropy, RoomsOptions{.max_peers_per_room = 1000}, [](TimePoint) { return std::int64_t{0}; }};
  JoinLimiter limiter{rooms, bus, JoinLimits{.per_room_per_minute = 3, .per_tenant_per_minute = 5}};
  TimePoint now = TimePoint{} + 1000s;
  std::vector<std::string> rejected;
  Bus::Subscription on_rejected =
      bus.subscribe<JoinRejected>([this](const JoinRejected& fact) { rejected.push_back(fact.reason); });

  /// What the policy step does before: it gives the peer its tenant.
  struct Tenants final : AdmissionStep {
    std::string tenant;
    [[nodiscard]] AdmissionStage stage() const override { return AdmissionStage::policy; }
    void decide(const AdmissionRequest& request, AdmissionReply reply) override {
      Admit admit;
      if (!tenant.empty()) admit.edits.append(std::string(JoinLimiter::tenant_key), '"' + tenant + '"');
      reply(std::move(admit), request.now);
    }
  } tenants;

  JoinLimiterFixture() { rooms.add_admission_step(tenants); }

  JoinOutcome ask(const PeerId& peer, const std::string& room) {
    JoinOutcome result;
    rooms.join(peer, RoomId(room), {}, now, [&](const JoinOutcome& outcome, TimePoint) { result = outcome; });
    return result;
  }
  JoinOutcome join(const std::string& room, const std::string& tenant = "") {
    tenants.tenant = tenant;
    return ask(rooms.connect("native", "192.0.2.1"), room);
  }
};

TEST_F(JoinLimiterFixture, the_join_after_the_last_allowed_is_told_and_may_come_again) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(join("a"));
  const PeerId late = rooms.connect("native", "192.0.2.2");
  const JoinOutcome refused = ask(late, "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "RATE_LIMITED");
  EXPECT_TRUE(refused.error().close_reason.empty());
  EXPECT_NE(rooms.find_peer(late), nullptr) << "its connection stays";
  EXPECT_EQ(rejected.size(), 1U);
  EXPECT_TRUE(join("b")) << "another room is another matter";
  now += 60s;
  EXPECT_FALSE(ask(late, "a")) << "exactly a minute is still that window";
  now += 1ms;
  EXPECT_TRUE(ask(late, "a"));
  EXPECT_EQ(limiter.statistics().refused_by_room, 2U);
}

TEST_F(JoinLimiterFixture, a_tenant_has_its_joins_over_all_rooms_and_who_has_none_is_not_limited_by_it) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(join("room " + std::to_string(i), "acme"));
  const JoinOutcome refused = join("another", "acme");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "RATE_LIMITED");
  EXPECT_EQ(rooms.find_room(RoomId("another")), nullptr) << "a refused join makes no room";
  EXPECT_TRUE(join("another", "other"));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(join("free " + std::to_string(i)));
  EXPECT_EQ(limiter.statistics().refused_by_tenant, 1U);
}

TEST_F(JoinLimiterFixture, a_client_cannot_choose_its_tenant) {
  for (int i = 0; i < 10; ++i) {
    const PeerId peer = rooms.connect("native", "192.0.2.1");
    JoinOutcome result;
    rooms.join(peer, RoomId("mine " + std::to_string(i)), Metadata{{"__tenant", R"("acme")"}}, now,
               [&](const JoinOutcome& outcome, TimePoint) { result = outcome; });
    EXPECT_TRUE(result);
  }
  EXPECT_TRUE(join("theirs", "acme")) << "nobody else used its joins up";
}

TEST_F(JoinLimiterFixture, only_who_came_in_is_counted) {
  ASSERT_TRUE(rooms.create(RoomId("full"), {}, 1, now));
  EXPECT_TRUE(join("full", "acme"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(join("full", "acme").error().code, "ROOM_FULL");
  EXPECT_TRUE(join("elsewhere", "acme"));
  ASSERT_TRUE(rooms.set_capacity(RoomId("full"), 10));
  EXPECT_TRUE(join("full", "acme"));
}

TEST_F(JoinLimiterFixture, a_limit_that_is_set_later_knows_what_was_before) {
  limiter.set_limits({});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(join("a"));
  limiter.set_limits({.per_room_per_minute = 50});
  EXPECT_FALSE(join("a"));
  limiter.set_limits({.per_room_per_minute = 101});
  EXPECT_TRUE(join("a"));
  EXPECT_FALSE(join("a"));
}

TEST_F(JoinLimiterFixture, its_tables_are_bounded_and_forget_what_is_over) {
  bus.publish(PeerJoined{});  // of nobody that passed
  EXPECT_EQ(limiter.tracked(), 0U);
  for (std::size_t i = 0; i < JoinLimiter::windows_max; ++i) {
    const PeerId peer = rooms.connect("native", "");
    ASSERT_TRUE(ask(peer, std::to_string(i)));
    rooms.leave(peer, LeaveCause::left);
    rooms.discard(peer);
  }
  EXPECT_EQ(limiter.tracked(), JoinLimiter::windows_max) << "a room that is gone is not forgotten";
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(join("one too many"));
  EXPECT_EQ(limiter.tracked(), JoinLimiter::windows_max);
  EXPECT_EQ(limiter.statistics().uncounted, 10U);
  now += 61s;
  EXPECT_TRUE(join("one too many"));
  EXPECT_EQ(limiter.tracked(), 1U);
  limiter.sweep(now + 61s);
  EXPECT_EQ(limiter.tracked(), 0U);
}

}  // namespace
}  // namespace sluice
