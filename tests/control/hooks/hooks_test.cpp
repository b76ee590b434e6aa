#include "control/hooks/hooks.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <vector>

#include "control/crypto/encoding.hpp"
#include "control/crypto/mac.hpp"
#include "control/hooks/http_hook.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr TimePoint start = TimePoint{} + 1h;

class HooksTest : public ::testing::Test {
 protected:
  HookReply::Function record() {
    return [this](const HookResult& result) { results.push_back(result); };
  }
  std::vector<HookResult> results;  // outlives the hooks, which answer what is open when they go
  Hooks hooks{{5s, 3}};
};

TEST_F(HooksTest, NobodyAttachedIsAFailure) {
  EXPECT_FALSE(hooks.attached("beforeJoin"));
  hooks.call("beforeJoin", {}, start, record());
  ASSERT_EQ(results.size(), 1U);
  EXPECT_FALSE(results[0]);
}

TEST_F(HooksTest, TheProviderAttachedLastIsAskedAndTheOneBeforeWhenItGoes) {
  const auto first = hooks.attach("h", [](const Json&, const HookReply& reply) { reply(Json(1)); });
  {
    const auto second = hooks.attach("h", [](const Json& request, const HookReply& reply) { reply(request); });
    hooks.call("h", Json(2), start, record());
  }
  hooks.call("h", Json(2), start, record());
  EXPECT_EQ(results.at(0).value(), Json(2));
  EXPECT_EQ(results.at(1).value(), Json(1));
  EXPECT_FALSE(hooks.attached("other"));
  EXPECT_EQ(hooks.next_deadline(), never);
}

TEST_F(HooksTest, FiguresOfEachHookSayHowItDoes) {
  static TimePoint clock;
  clock = start;
  Hooks measured({.time_limit = 5s, .pending_max = 3, .now = [] { return clock; }});
  std::vector<HookReply> open;
  const auto slow = measured.attach("slow", [&](const Json&, HookReply reply) { open.push_back(std::move(reply)); });
  const auto bad =
      measured.attach("bad", [](const Json&, const HookReply& reply) { reply(unexpected(HookFailure{"status 500"})); });
  measured.call("slow", {}, clock, record());
  measured.call("slow", {}, clock, record());
  measured.call("bad", {}, clock, record());
  EXPECT_EQ(measured.pending(), 2U);
  clock += 300ms;
  open.at(0)(Json(1));
  EXPECT_EQ(measured.pending(), 1U);
  clock = start + 5s;
  measured.handle_timeout(clock);
  const Hooks::Statistics& figures = measured.by_hook().at("slow");
  EXPECT_EQ(figures.calls, 2U);
  EXPECT_EQ(figures.answers, 1U);
  EXPECT_EQ(figures.answer_time, Duration(300ms));
  EXPECT_EQ(figures.failures, 1U);
  EXPECT_EQ(figures.timeouts, 1U);
  EXPECT_EQ(measured.by_hook().at("bad").failures, 1U);
  EXPECT_EQ(measured.by_hook().at("bad").timeouts, 0U);
  EXPECT_EQ(measured.statistics().calls, 3U);
  EXPECT_EQ(measured.statistics().failures, 2U);
  open.clear();
}

TEST_F(HooksTest, FailsAfterTheTimeLimitAndALateAnswerCountsNoMore) {
  std::optional<HookReply> kept;
  const auto provider = hooks.attach("h", [&](const Json&, HookReply reply) { kept = std::move(reply); });
  hooks.call("h", {}, start, record());
  EXPECT_EQ(hooks.next_deadline(), start + 5s);
  hooks.handle_timeout(start + 5s - 1ns);
  EXPECT_TRUE(results.empty());
  hooks.handle_timeout(start + 5s);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_FALSE(results[0]);
  (*kept)(Json(true));
  EXPECT_EQ(results.size(), 1U);
  EXPECT_EQ(hooks.statistics().failures, 1U);
}

TEST_F(HooksTest, AnAnswerInTimeCountsOnce) {
  std::optional<HookReply> kept;
  const auto provider = hooks.attach("h", [&](const Json&, HookReply reply) { kept = std::move(reply); });
  hooks.call("h", {}, start, record());
  (*kept)(Json(true));
  (*kept)(Json(false));
  kept.reset();
  hooks.handle_timeout(start + 1h);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].value(), Json(true));
}

TEST_F(HooksTest, MoreThanTheBoundFailAtOnceAndAnsweredOnesMakeRoom) {
  std::vector<HookReply> kept;
  const auto provider = hooks.attach("h", [&](const Json&, HookReply reply) { kept.push_back(std::move(reply)); });
  for (int i = 0; i < 4; ++i) hooks.call("h", {}, start, record());
  ASSERT_EQ(results.size(), 1U);
  EXPECT_FALSE(results[0]);
  kept[0](Json(true));
  hooks.call("h", {}, start, record());
  EXPECT_EQ(results.size(), 2U);  // the answered one; the new one waits
}

/// Keeps the call instead of making it.
class ScriptedHttp final : public HttpCaller {
 public:
  void call(HttpCall call, HttpDone done) override {
    calls.push_back(std::move(call));
    answers.push_back(std::move(done));
  }
  std::vector<HttpCall> calls;
  std::vector<HttpDone> answers;
};
class ZeroEntropy final : public Entropy {
 public:
  void fill(MutableBytes out) override {
    for (std::byte& b : out) b = static_cast<std::byte>(++last_);
  }

 private:
  unsigned char last_ = 0;
};

class HttpHookTest : public HooksTest {
 protected:
  ScriptedHttp http;
  ZeroEntropy entropy;
  Hooks::Attachment attachment;
  void attach(const std::string& secret) {
    attachment =
        hooks.attach("h", http_hook(http, entropy, [] { return std::int64_t{1714000000000}; }, {"http://hook/", secret}));
  }
  std::string header(std::size_t call, const std::string& name) {
    for (const auto& [key, value] : http.calls.at(call).headers)
      if (key == name) return value;
    return "-";
  }
};

TEST_F(HttpHookTest, PostsSignedJson) {
  attach("sesame");
  hooks.call("h", {{"roomId", "r"}}, start, record());
  hooks.call("h", {{"roomId", "r"}}, start, record());
  EXPECT_EQ(http.calls[0].url, "http://hook/");
  EXPECT_EQ(http.calls[0].body, R"({"roomId":"r"})");
  EXPECT_EQ(header(0, "Content-Type"), "application/json");
  EXPECT_EQ(header(0, "X-Webrtc-Rooms-Timestamp"), "1714000000000");
  const std::string id = header(0, "X-Webrtc-Rooms-Id");
  EXPECT_EQ(id.size(), 36U);
  EXPECT_NE(id, header(1, "X-Webrtc-Rooms-Id"));
  EXPECT_EQ(header(0, "X-Webrtc-Rooms-Signature"),
            "sha256=" + hex(hmac_sha256("sesame", "1714000000000." + id + R"(.{"roomId":"r"})")));
  http.answers[0](HttpResult{200, R"( {"allow":true} )"});
  EXPECT_EQ(results.at(0).value(), Json({{"allow", true}}));
}

TEST_F(HttpHookTest, WithoutASecretThereIsNoSignature) {
  attach("");
  hooks.call("h", {}, start, record());
  EXPECT_EQ(header(0, "X-Webrtc-Rooms-Signature"), "-");
}

TEST_F(HttpHookTest, AnythingButJsonOfSuccessIsAFailure) {
  attach("");
  const std::vector<HttpOutcome> outcomes{HttpResult{500, "{}"},
                                          HttpResult{302, "{}"},
                                          HttpResult{200, ""},
                                          HttpResult{200, "{"},
                                          HttpResult{200, "{} x"},
                                          HttpResult{200, std::string(100, '[') + std::string(100, ']')},
                                          unexpected(HttpFailure{HttpFailure::Kind::unreachable, "refused"})};
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    hooks.call("h", {}, start, record());
    http.answers[i](outcomes[i]);
    ASSERT_EQ(results.size(), i + 1);
    EXPECT_FALSE(results[i]) << i;
  }
}

TEST_F(HooksTest, ARequiredHookWaitsForWhoAnswersIt) {
  hooks.require("beforeJoin", true);
  EXPECT_TRUE(hooks.required("beforeJoin"));
  EXPECT_FALSE(hooks.attached("beforeJoin"));
  hooks.call("beforeJoin", Json(7), start, record());
  hooks.call("other", {}, start, record());
  ASSERT_EQ(results.size(), 1U);  // that of the other, which is not required
  const auto provider = hooks.attach("beforeJoin", [](const Json& request, const HookReply& reply) { reply(request); });
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[1].value(), Json(7));
}

TEST_F(HooksTest, ARequiredHookThatNobodyAnswersFailsInTime) {
  hooks.require("h", true);
  hooks.call("h", {}, start, record());
  hooks.handle_timeout(start + 5s - 1ms);
  EXPECT_TRUE(results.empty());
  hooks.handle_timeout(start + 5s);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_FALSE(results[0]);
  int asked = 0;
  const auto late = hooks.attach("h", [&](const Json&, const HookReply& reply) {
    ++asked;
    reply(Json());
  });
  EXPECT_EQ(asked, 0);
}

TEST_F(HooksTest, TakingTheRequirementBackEndsTheWaiting) {
  hooks.require("h", true);
  hooks.call("h", {}, start, record());
  hooks.require("h", false);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_FALSE(results[0]);
  EXPECT_FALSE(hooks.required("h"));
}

TEST_F(HooksTest, WaitingCallsAreBounded) {
  hooks.require("h", true);
  for (int i = 0; i < 4; ++i) hooks.call("h", {}, start, record());
  ASSERT_EQ(results.size(), 1U);
  EXPECT_FALSE(results[0]);
}

}  // namespace
}  // namespace sluice
