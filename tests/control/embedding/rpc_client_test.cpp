#include "control/embedding/rpc_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace sluice::embedding {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr TimePoint start = TimePoint{} + 1h;

class RpcClientTest : public ::testing::Test {
 protected:
  CallReply record(std::vector<CallResult>& into) {
    return [&into](const CallResult& result) { into.push_back(result); };
  }
  std::vector<json> sent() {
    std::vector<json> lines;
    while (auto line = client.poll_line()) lines.push_back(json::parse(*line));
    return lines;
  }
  void ready() {
    client.connected();
    client.set_up();
  }

  std::vector<std::string> events;
  std::vector<RpcClient::Question> questions;
  std::uint64_t dropped = 0;
  std::vector<CallResult> results;
  RpcClient client{{.on_event = [this](std::string name, json, std::uint64_t) { events.push_back(std::move(name)); },
                    .on_events_dropped = [this](std::uint64_t count) { dropped += count; },
                    .on_question = [this](RpcClient::Question question) { questions.push_back(std::move(question)); }},
                   {.calls_max = 3}};
};

TEST_F(RpcClientTest, CallsWaitForAConnectionAndItsSetupAndGoOutInOrder) {
  client.call("first", json::object(), never, record(results));
  client.call("second", {{"a", 1}}, never, record(results));
  EXPECT_TRUE(sent().empty());
  client.connected();
  client.setup_call("events.subscribe", json::object(), never, record(results));
  const auto setup = sent();
  ASSERT_EQ(setup.size(), 1U);
  EXPECT_EQ(setup[0]["method"], "events.subscribe");
  client.set_up();
  const auto calls = sent();
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0]["method"], "first");
  EXPECT_EQ(calls[1]["method"], "second");
  EXPECT_EQ(calls[1]["params"]["a"], 1);
  EXPECT_TRUE(results.empty());
}

TEST_F(RpcClientTest, AnswersFindTheirCallsInAnyOrder) {
  ready();
  std::vector<CallResult> first;
  std::vector<CallResult> second;
  client.call("a", json::object(), never, record(first));
  client.call("b", json::object(), never, record(second));
  const auto lines = sent();
  client.receive(json{{"jsonrpc", "2.0"}, {"id", lines[1]["id"]}, {"result", {{"x", 2}}}}.dump());
  EXPECT_TRUE(first.empty());
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ((*second[0])["x"], 2);
  client.receive(
      json{{"jsonrpc", "2.0"}, {"id", lines[0]["id"]}, {"error", {{"code", -32001}, {"message", "Room not found"}}}}.dump());
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].error().kind, CallFailure::Kind::answered);
  EXPECT_EQ(first[0].error().code, -32001);
  EXPECT_EQ(first[0].error().message, "Room not found");
}

TEST_F(RpcClientTest, AnEndOfTheConnectionFailsWhatWasSentAndKeepsWhatWaits) {
  ready();
  std::vector<CallResult> late;
  client.call("sent", json::object(), never, record(results));
  (void)sent();
  client.disconnected();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].error().kind, CallFailure::Kind::disconnected);
  client.call("waits", json::object(), never, record(late));
  EXPECT_TRUE(sent().empty());
  ready();
  const auto lines = sent();
  ASSERT_EQ(lines.size(), 1U);
  client.receive(json{{"id", lines[0]["id"]}, {"result", true}}.dump());
  ASSERT_EQ(late.size(), 1U);
  EXPECT_TRUE(late[0].has_value());
}

TEST_F(RpcClientTest, DeadlinesHoldWithAndWithoutAConnection) {
  client.call("waits", json::object(), start + 1s, record(results));
  EXPECT_EQ(client.next_deadline(), start + 1s);
  client.handle_timeout(start + 999ms);
  EXPECT_TRUE(results.empty());
  client.handle_timeout(start + 1s);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].error().kind, CallFailure::Kind::timed_out);
  ready();
  EXPECT_TRUE(sent().empty());  // it is not sent any more
  EXPECT_EQ(client.next_deadline(), never);
}

TEST_F(RpcClientTest, MoreCallsThanTheServerTakesFailAtOnce) {
  for (int i = 0; i < 4; ++i) client.call("x", json::object(), never, record(results));
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].error().kind, CallFailure::Kind::too_many);
}

TEST_F(RpcClientTest, ASetupIsTakenBesideAsManyCallsAsMayWait) {
  for (int i = 0; i < 3; ++i) client.call("waits", json::object(), never, record(results));
  client.connected();
  std::vector<CallResult> setup;
  client.setup_call("modules.attach", json::object(), never, record(setup));
  client.setup_call("server.snapshot", json::object(), never, record(setup));
  const auto lines = sent();
  ASSERT_EQ(lines.size(), 2U);
  client.call("one more", json::object(), never, record(results));
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].error().kind, CallFailure::Kind::too_many);
  for (const json& line : lines) client.receive(json{{"id", line["id"]}, {"result", json::object()}}.dump());
  EXPECT_EQ(setup.size(), 2U);
  client.set_up();
  EXPECT_EQ(sent().size(), 3U);
}

TEST_F(RpcClientTest, ASetupWithoutADeadlineIsDoneHoweverLateTheServerAnswers) {
  ready();
  client.disconnected();
  client.call("waits", json::object(), never, record(results));
  client.connected();
  // As a snapshot of a server whose next control process takes its time.
  client.setup_call("server.snapshot", json::object(), never, [this](const CallResult& snapshot) {
    if (snapshot) client.set_up();
  });
  const auto lines = sent();
  ASSERT_EQ(lines.size(), 1U);
  client.handle_timeout(start + 1h);
  EXPECT_EQ(client.state(), RpcClient::State::setting_up);
  client.receive(json{{"id", lines[0]["id"]}, {"result", json::object()}}.dump());
  EXPECT_EQ(client.state(), RpcClient::State::ready);
  EXPECT_EQ(sent().size(), 1U);
  EXPECT_TRUE(results.empty());
}

TEST_F(RpcClientTest, AfterTheEndEveryCallFails) {
  client.call("waits", json::object(), never, record(results));
  client.close();
  client.call("after", json::object(), never, record(results));
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].error().kind, CallFailure::Kind::closed);
  EXPECT_EQ(results[1].error().kind, CallFailure::Kind::closed);
  client.connected();
  EXPECT_EQ(client.state(), RpcClient::State::closed);
}

TEST_F(RpcClientTest, EventsAndLossesAreToldInOrder) {
  ready();
  client.receive(R"({"method":"event","params":{"event":"peer:joined","number":7,"data":{}}})");
  client.receive(R"({"method":"event","params":{"event":"peer:left","number":8,"data":{}}})");
  client.receive(R"({"method":"events.dropped","params":{"subscription":1,"count":12}})");
  EXPECT_EQ(events, (std::vector<std::string>{"peer:joined", "peer:left"}));
  EXPECT_EQ(dropped, 12U);
}

TEST_F(RpcClientTest, QuestionsAreAnsweredUnderTheirIdOnTheirOwnConnectionOnly) {
  ready();
  client.receive(R"({"id":"q1","method":"hook.beforeJoin","params":{"roomId":"r"}})");
  ASSERT_EQ(questions.size(), 1U);
  EXPECT_EQ(questions[0].hook, "beforeJoin");
  EXPECT_EQ(questions[0].request["roomId"], "r");
  client.answer(questions[0], {{"allow", true}});
  client.refuse(questions[0], "no");
  const auto lines = sent();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["id"], "q1");
  EXPECT_EQ(lines[0]["result"]["allow"], true);
  EXPECT_EQ(lines[1]["error"]["message"], "no");
  client.disconnected();
  ready();
  client.answer(questions[0], {{"allow", true}});
  EXPECT_TRUE(sent().empty());
}

TEST_F(RpcClientTest, WhatIsNoMessageIsCountedAndDropped) {
  ready();
  client.call("a", json::object(), never, record(results));
  for (const char* line :
       {"", "{", "null", "[]", "7", R"({"id":99,"result":1})", R"({"id":"x","result":1})", R"({"method":5})",
        R"({"method":"event"})", R"({"method":"event","params":[]})", R"({"method":"event","params":{"event":1,"data":{}}})",
        R"({"method":"hook.beforeJoin"})", R"({"method":"other","id":1})"}) {
    client.receive(line);
  }
  EXPECT_EQ(client.bad_lines(), 13U);
  EXPECT_TRUE(results.empty());
  EXPECT_TRUE(events.empty());
  EXPECT_TRUE(questions.empty());
}

}  // namespace
}  // namespace sluice::embedding
