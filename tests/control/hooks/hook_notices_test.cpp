#include "control/hooks/hook_notices.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct Notices : ::testing::Test {
  TimePoint now{1h};
  Hooks hooks;
  std::optional<HookNotices> notices{std::in_place, hooks, [this] { return now; }, HookNoticesOptions{2, 3}};
  std::vector<json> told;
  std::vector<HookReply> replies;
  Hooks::Attachment attachment;

  void attach() {
    attachment = hooks.attach("onThreat", [this](const json& request, const HookReply& reply) {
      told.push_back(request);
      replies.push_back(reply);
    });
  }
  void tell(int n) { notices->tell("onThreat", {{"n", n}}); }
};

TEST_F(Notices, nothing_is_kept_for_a_hook_that_nobody_answers) {
  tell(1);
  attach();
  EXPECT_TRUE(told.empty());
  tell(2);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["n"], 2);
}

TEST_F(Notices, go_out_in_order_a_few_at_a_time_and_the_oldest_make_room) {
  attach();
  for (int i = 0; i < 8; ++i) tell(i);
  EXPECT_EQ(told.size(), 2U);
  EXPECT_EQ(notices->statistics().dropped, 3U);  // 2, 3 and 4
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const HookReply reply = replies[i];  // answering makes the next call
    reply(json::object());
  }
  std::vector<int> order;
  for (const json& notice : told) order.push_back(notice["n"]);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 5, 6, 7}));
  EXPECT_EQ(notices->statistics().told, 5U);
}

TEST_F(Notices, a_silent_program_costs_five_seconds_and_not_the_next_notice) {
  attach();
  for (int i = 0; i < 4; ++i) tell(i);
  EXPECT_EQ(told.size(), 2U);
  now += 5s;
  hooks.handle_timeout(now);
  EXPECT_EQ(told.size(), 4U);
  EXPECT_EQ(notices->statistics().failed, 2U);
}

TEST_F(Notices, a_provider_may_answer_from_inside_the_call) {
  int calls = 0;
  attachment = hooks.attach("onThreat", [&](const json&, const HookReply& reply) {
    if (++calls < 50) tell(calls);
    reply(json::object());
  });
  tell(0);
  EXPECT_EQ(calls, 50);
  EXPECT_EQ(notices->statistics().told, 50U);
}

TEST_F(Notices, an_answer_that_comes_after_the_end_does_nothing) {
  attach();
  tell(1);
  notices.reset();
  replies.front()(json::object());
  hooks.handle_timeout(now + 1h);
}

}  // namespace
}  // namespace sluice
