// Contract protoo, section 5.
#include "control/signaling/protoo/pending_requests.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace sluice::protoo {
namespace {

using namespace std::chrono_literals;
using Kind = Outcome::Kind;

struct Pending : ::testing::Test {
  PendingRequests pending{4};
  TimePoint now = TimePoint{} + 1h;
  std::vector<std::string> ended;

  std::string add(const std::string& name) {
    const auto id = pending.add(
        [this, name](const Outcome& outcome) {
          constexpr std::string_view kinds[] = {"success", "error", "timeout", "closed"};
          ended.push_back(name + ' ' + std::string(kinds[static_cast<std::size_t>(outcome.kind)]) + ' ' +
                          std::string(outcome.data) + std::string(outcome.error_code) + std::string(outcome.error_reason));
        },
        now);
    return id.value_or("");
  }
  bool answer(const std::string& text) { return pending.answered(std::get<Response>(*parse(text))); }
};

TEST_F(Pending, ends_with_the_answer_in_any_order) {
  const std::string a = add("a");
  const std::string b = add("b");
  EXPECT_NE(a, b);
  EXPECT_TRUE(answer(R"({"response":true,"ok":true,"data":{"x":1},"id":)" + b + "}"));
  EXPECT_TRUE(answer(R"({"response":true,"errorCode":4,"errorReason":"no","id":)" + a + ".0}"));
  EXPECT_EQ(ended, (std::vector<std::string>{R"(b success {"x":1})", R"(a error 4"no")"}));
  EXPECT_EQ(pending.next_deadline(), never);
}

TEST_F(Pending, ignores_answers_that_nobody_waits_for) {
  const std::string a = add("a");
  EXPECT_FALSE(answer(R"({"response":true,"ok":true,"id":12345})"));
  EXPECT_TRUE(answer(R"({"response":true,"ok":true,"id":)" + a + "}"));
  EXPECT_FALSE(answer(R"({"response":true,"ok":true,"id":)" + a + "}"));
  EXPECT_EQ(ended.size(), 1U);
}

TEST_F(Pending, waits_longer_the_more_wait_already) {
  add("a");
  EXPECT_EQ(pending.next_deadline(), now + 30s);
  add("b");
  add("c");
  pending.handle_timeout(now + 30s - 1ns);
  EXPECT_TRUE(ended.empty());
  pending.handle_timeout(now + 30s);
  EXPECT_EQ(pending.next_deadline(), now + 30'200ms);
  pending.handle_timeout(now + 30'200ms);
  EXPECT_EQ(pending.next_deadline(), now + 30'400ms);
  pending.handle_timeout(now + 30'400ms);
  EXPECT_EQ(ended, (std::vector<std::string>{"a timeout ", "b timeout ", "c timeout "}));
}

TEST_F(Pending, ends_when_the_client_is_gone) {
  add("a");
  add("b");
  pending.fail_all();
  EXPECT_EQ(ended, (std::vector<std::string>{"a closed ", "b closed "}));
  EXPECT_EQ(pending.size(), 0U);
}

TEST_F(Pending, is_bounded) {
  for (int i = 0; i < 4; ++i) EXPECT_NE(add("x"), "");
  EXPECT_EQ(add("one too many"), "");
  pending.fail_all();
  EXPECT_EQ(ended.size(), 4U);
  EXPECT_NE(add("again"), "");
}

TEST_F(Pending, ids_differ_while_they_wait) {
  PendingRequests many(1000);
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(*many.add([](const Outcome&) {}, now));
  EXPECT_EQ(ids.size(), 1000U);
}

}  // namespace
}  // namespace sluice::protoo
