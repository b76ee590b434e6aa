#include "control/api/operations.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice {
namespace {

using nlohmann::json;

struct Fixture : testing::Test {
  Operations operations;
  std::optional<OperationResult> answer;
  int answers = 0;

  OperationReply reply() {
    return OperationReply([this](OperationResult result) {
      ++answers;
      answer = std::move(result);
    });
  }
  void add(std::vector<Operation::Parameter> parameters, Operation::Handler handler) {
    operations.add({"test.do", "Does it", std::move(parameters), "what came in", std::move(handler)});
  }
  void add_echo(std::vector<Operation::Parameter> parameters) {
    add(std::move(parameters), [](const json& params, const OperationCaller&, OperationReply give) { give(params); });
  }
};

TEST_F(Fixture, ACallReachesItsHandlerAndTheAnswerComesBack) {
  add_echo({{"roomId", "string", true, ""}});
  operations.call("test.do", {{"roomId", "r"}}, {"http", "x"}, reply());
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ(**answer, (json{{"roomId", "r"}}));
}

TEST_F(Fixture, AnUnknownNameIsNotFound) {
  operations.call("no.such", json::object(), {}, reply());
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().kind, OperationError::Kind::not_found);
}

TEST_F(Fixture, WhatDoesNotFitTheParametersNeverReachesTheHandler) {
  add_echo({{"roomId", "string", true, ""}, {"limit", "integer", false, ""}});
  for (const json& params : {json(nullptr), json::object(), json{{"roomId", 5}}, json{{"roomId", nullptr}},
                             json{{"roomId", "r"}, {"limit", 1.5}}, json::array({"r"}), json("r")}) {
    operations.call("test.do", params, {}, reply());
    ASSERT_TRUE(answer && !*answer) << params;
    EXPECT_EQ(answer->error().kind, OperationError::Kind::invalid_params) << params;
  }
  operations.call("test.do", {{"roomId", "r"}, {"limit", nullptr}}, {}, reply());
  ASSERT_TRUE(*answer) << "null is as good as absent where nothing is required";
  EXPECT_FALSE((*answer)->contains("limit")) << "a handler that asks for it with a default of its own would throw";
}

TEST_F(Fixture, AnAnswerCountsOnce) {
  add({}, [](const json&, const OperationCaller&, OperationReply give) {
    give(json(1));
    give(json(2));
  });
  operations.call("test.do", nullptr, {}, reply());
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(**answer, json(1));
}

TEST_F(Fixture, AForgottenReplyIsAnInternalError) {
  add({}, [](const json&, const OperationCaller&, OperationReply) {});
  operations.call("test.do", nullptr, {}, reply());
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().kind, OperationError::Kind::internal);
}

TEST_F(Fixture, AnAnswerMayComeLater) {
  std::optional<OperationReply> kept;
  add({}, [&](const json&, const OperationCaller&, OperationReply give) { kept = give; });
  operations.call("test.do", nullptr, {}, reply());
  EXPECT_FALSE(answer);
  (*kept)(json("late"));
  EXPECT_EQ(**answer, json("late"));
}

TEST_F(Fixture, ANameTwiceIsRefusedAtStart) {
  add_echo({});
  EXPECT_THROW(add_echo({}), std::logic_error);
}

TEST_F(Fixture, TheAnswerOfASecurityActionWaitsForTheGate) {
  std::vector<std::string> seen;
  std::function<void(bool)> open;
  operations.set_gate(
      [&](const Operation& operation, const json& params, const OperationCaller& caller, std::function<void(bool)> done) {
        seen.push_back(operation.name + " " + params.dump() + " " + caller.origin);
        open = std::move(done);
      });
  const auto echo = [](const json& params, const OperationCaller&, OperationReply give) { give(params); };
  operations.add({"bans.add", "", {}, "", echo});
  operations.add({"bans.list", "", {}, "", echo});
  operations.add({"peers.kick", "", {}, "", [](const json&, const OperationCaller&, OperationReply give) {
                    give(tl::unexpected(OperationError{OperationError::Kind::not_found, "nobody"}));
                  }});
  operations.call("bans.list", nullptr, {"http", ""}, reply());
  EXPECT_EQ(answers, 1) << "looking is no action";
  operations.call("peers.kick", nullptr, {"http", ""}, reply());
  EXPECT_EQ(answers, 2) << "what was not done need not be certain";
  EXPECT_TRUE(seen.empty());
  operations.call("bans.add", {{"ip", "192.0.2.1"}}, {"http", ""}, reply());
  EXPECT_EQ(answers, 2);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0], R"(bans.add {"ip":"192.0.2.1"} http)");
  open(true);
  EXPECT_EQ(answers, 3);
  EXPECT_TRUE(*answer);
  operations.call("bans.add", nullptr, {"http", ""}, reply());
  open(false);
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().kind, OperationError::Kind::unavailable);
}

}  // namespace
}  // namespace sluice
