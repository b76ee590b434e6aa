#include "control/api/rpc_session.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "control/api/event_catalog.hpp"

namespace sluice {
namespace {

using nlohmann::json;

class FakeSink final : public RpcSink {
 public:
  void write(std::string line) override {
    EXPECT_EQ(line.find('\n'), std::string::npos);
    queued += line.size();
    lines.push_back(json::parse(line));
  }
  [[nodiscard]] std::size_t queued_bytes() const override { return queued; }
  void close() override { closed = true; }
  json next() {
    if (lines.empty()) return nullptr;
    json first = lines.front();
    lines.erase(lines.begin());
    return first;
  }
  std::vector<json> lines;
  std::size_t queued = 0;
  bool closed = false;
};

class FakeHooks final : public HookRegistry {
 public:
  std::shared_ptr<void> attach(const std::string& hook, Provider provider) override {
    providers[hook] = std::move(provider);
    return {nullptr, [this, hook](void*) { providers.erase(hook); }};
  }
  std::map<std::string, Provider> providers;
};

class RpcSessionTest : public ::testing::Test {
 protected:
  RpcSessionTest() {
    operations.add({"test.echo",
                    "Says it again",
                    {{"text", "string", true, "what"}},
                    "{text}",
                    [](const json& params, const OperationCaller& caller, const OperationReply& reply) {
                      reply(json{{"text", params["text"]}, {"by", caller.origin}});
                    }});
    operations.add(
        {"test.later", "Answers later", {}, "{}", [this](const json&, const OperationCaller&, OperationReply reply) {
           later.push_back(std::move(reply));
         }});
    operations.add({"test.fail", "Fails", {}, "{}", [](const json&, const OperationCaller&, const OperationReply& reply) {
                      reply(unexpected(OperationError{OperationError::Kind::not_found, "Room not found"}));
                    }});
  }
  json ask(const std::string& line) {
    session->receive(line);
    return sink.next();
  }
  int error_of(const std::string& line) { return ask(line)["error"]["code"].get<int>(); }

  Operations operations;
  EventFeed events;
  FakeHooks hooks;
  RpcStatistics statistics;
  std::vector<OperationReply> later;
  FakeSink sink;
  std::unique_ptr<RpcSession> session = std::make_unique<RpcSession>(RpcServices{operations, events, &hooks, &statistics},
                                                                     sink, OperationCaller{"control-socket", "uid 0"},
                                                                     RpcLimits{.calls_max = 3, .queue_bytes_max = 20000});
};

TEST_F(RpcSessionTest, AnswersCallsUnderTheirId) {
  EXPECT_EQ(ask(R"({"jsonrpc":"2.0","id":7,"method":"test.echo","params":{"text":"hä"}})"),
            (json{{"jsonrpc", "2.0"}, {"id", 7}, {"result", {{"text", "hä"}, {"by", "control-socket"}}}}));
  EXPECT_EQ(ask(R"({"jsonrpc":"2.0","id":"a","method":"rpc.ping"})")["id"], "a");
  EXPECT_EQ(ask(R"({"jsonrpc":"2.0","id":null,"method":"rpc.ping"})")["result"]["pong"], true);
  EXPECT_EQ(ask(R"({"jsonrpc":"2.0","method":"test.echo","params":{"text":"x"}})"), nullptr) << "a notification";
  EXPECT_EQ(ask(R"({"jsonrpc":"2.0","method":"nothing.there"})"), nullptr) << "not even an error";
}

TEST_F(RpcSessionTest, SaysWhatIsWrongByTheCodesOfTheSpecification) {
  EXPECT_EQ(error_of("{"), -32700);
  EXPECT_EQ(error_of(std::string(100000, '[')), -32700);
  EXPECT_EQ(error_of("[]"), -32600);
  EXPECT_EQ(error_of("1"), -32600);
  EXPECT_EQ(error_of(R"({"id":1,"method":"rpc.ping"})"), -32600) << "no version";
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","id":1,"method":5})"), -32600);
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","id":{},"method":"rpc.ping"})"), -32600);
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","id":1,"method":"rpc.ping","params":3})"), -32600);
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","id":1,"method":"nothing.there"})"), -32601);
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","id":1,"method":"test.echo"})"), -32602);
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","id":1,"method":"test.echo","params":["by position"]})"), -32602);
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","id":1,"method":"test.fail"})"), -32001);
  session->receive_too_long();
  EXPECT_EQ(sink.next()["error"]["code"], -32005);
  EXPECT_EQ(statistics.errors, 4U);
}

TEST_F(RpcSessionTest, TellsItsObserverWhatWasChangedByWhomAndWithWhichOutcome) {
  std::vector<std::string> seen;
  const RpcServices::Observer observer = [&](const OperationCaller& caller, const std::string& method, int status) {
    seen.push_back(caller.origin + "/" + caller.name + " " + method + " " + std::to_string(status));
  };
  operations.add({"test.list", "Looks", {}, "{}", [](const json&, const OperationCaller&, const OperationReply& reply) {
                    reply(json::object());
                  }});
  session = std::make_unique<RpcSession>(RpcServices{operations, events, &hooks, &statistics, observer}, sink,
                                         OperationCaller{"dashboard", "192.0.2.1"}, RpcLimits{.calls_max = 1});
  session->receive(R"([{"jsonrpc":"2.0","id":1,"method":"test.echo","params":{"text":"x"}},
                       {"jsonrpc":"2.0","id":2,"method":"test.echo"},
                       {"jsonrpc":"2.0","id":3,"method":"test.list"},
                       {"jsonrpc":"2.0","method":"test.fail"},
                       {"jsonrpc":"2.0","id":4,"method":"hooks.register","params":{"hooks":["beforeJoin"]}},
                       {"jsonrpc":"2.0","id":5,"method":"rpc.ping"},
                       {"jsonrpc":"2.0","id":6,"method":"nothing.there"},
                       {"jsonrpc":"2.0","id":7,"method":"test.later"},
                       {"jsonrpc":"2.0","id":8,"method":"test.later"}])");
  const std::string who = "dashboard/192.0.2.1 ";
  EXPECT_EQ(seen, (std::vector<std::string>{who + "test.echo 200", who + "test.echo -32602", who + "test.fail -32001",
                                            who + "hooks.register 200", who + "test.later -32004"}));
  session.reset();
  later.at(0)(json::object());
  EXPECT_EQ(seen.back(), who + "test.later 200") << "what was done after its client had gone was done all the same";
}

TEST_F(RpcSessionTest, AnswersABatchByOneLineWhenAllIsThere) {
  session->receive(R"([{"jsonrpc":"2.0","id":1,"method":"test.later"},{"jsonrpc":"2.0","method":"rpc.ping"},5,
                       {"jsonrpc":"2.0","id":2,"method":"rpc.ping"}])");
  EXPECT_EQ(sink.next(), nullptr) << "one answer is still to come";
  later.at(0)(json{{"done", true}});
  const json answers = sink.next();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0]["error"]["code"], -32600);
  EXPECT_EQ(answers[1]["id"], 2);
  EXPECT_EQ(answers[2]["result"]["done"], true);
  EXPECT_EQ(ask(R"([{"jsonrpc":"2.0","method":"rpc.ping"}])"), nullptr) << "only notifications: no answer at all";
  std::string many = "[1";
  for (int i = 0; i < 200; ++i) many += ",1";
  EXPECT_EQ(error_of(many + "]"), -32600);
}

TEST_F(RpcSessionTest, BoundsCallsUnderWayAndForgetsThemWithTheSession) {
  for (int i = 0; i < 3; ++i) session->receive(R"({"jsonrpc":"2.0","id":1,"method":"test.later"})");
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","id":2,"method":"test.later"})"), -32004);
  later[0](json());
  EXPECT_TRUE(sink.next().contains("result"));
  session->receive(R"({"jsonrpc":"2.0","id":3,"method":"test.later"})");
  session.reset();
  later[1](json());
  later[2](json());
  EXPECT_EQ(sink.next(), nullptr) << "nobody is left to hear it";
}

TEST_F(RpcSessionTest, SendsEventsThatASubscriptionWants) {
  EXPECT_EQ(ask(R"({"jsonrpc":"2.0","id":1,"method":"events.subscribe","params":{"patterns":["peer:*"],"rooms":["r"]}})")
                ["result"]["subscription"],
            1);
  EXPECT_EQ(ask(R"({"jsonrpc":"2.0","id":1,"method":"events.subscribe","params":{"events":["threat"]}})")["result"]
                                                                                                         ["subscription"],
            2);
  events.emit("peer:joined", {{"roomId", "other"}});
  events.emit("room:created", {{"roomId", "r"}});
  EXPECT_EQ(sink.next(), nullptr);
  events.emit("peer:joined", {{"roomId", "r"}});
  EXPECT_EQ(sink.next()["params"],
            (json{{"subscription", 1}, {"event", "peer:joined"}, {"number", 3}, {"data", {{"roomId", "r"}}}}));
  events.emit("peer:left", {{"peer", {{"roomId", "r"}}}});
  EXPECT_EQ(sink.next()["params"]["event"], "peer:left") << "the room may stand inside the peer";
  events.emit("threat", {{"level", "ban"}});
  EXPECT_EQ(sink.next()["params"]["subscription"], 2);
  EXPECT_EQ(
      ask(R"({"jsonrpc":"2.0","id":1,"method":"events.unsubscribe","params":{"subscription":2}})")["result"]["dropped"], 0);
  events.emit("threat", json::object());
  EXPECT_EQ(sink.next(), nullptr);
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","id":1,"method":"events.unsubscribe","params":{"subscription":2}})"), -32001);
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","id":1,"method":"events.subscribe","params":{"events":"threat"}})"), -32602);
}

TEST_F(RpcSessionTest, SendsDataOnlyToWhoNamesIt) {
  (void)ask(R"({"jsonrpc":"2.0","id":1,"method":"events.subscribe"})");
  events.emit("data", {{"roomId", "r"}});
  EXPECT_EQ(sink.next(), nullptr);
  (void)ask(R"({"jsonrpc":"2.0","id":1,"method":"events.subscribe","params":{"events":["data"]}})");
  events.emit("data", {{"roomId", "r"}});
  EXPECT_EQ(sink.next()["params"]["subscription"], 2);
}

TEST_F(RpcSessionTest, DropsEventsOfASlowReaderAndSaysHowMany) {
  session = std::make_unique<RpcSession>(RpcServices{operations, events, nullptr, &statistics}, sink, OperationCaller{},
                                         RpcLimits{.event_queue_bytes = 1000});
  (void)ask(R"({"jsonrpc":"2.0","id":1,"method":"events.subscribe"})");
  sink.queued = 1001;
  for (int i = 0; i < 5; ++i) events.emit("threat", json::object());
  EXPECT_EQ(sink.next(), nullptr);
  EXPECT_EQ(statistics.events_dropped, 5U);
  sink.queued = 700;
  session->drained();
  EXPECT_EQ(sink.next(), nullptr) << "not short enough yet";
  sink.queued = 100;
  session->drained();
  EXPECT_EQ(sink.next(),
            (json{{"jsonrpc", "2.0"}, {"method", "events.dropped"}, {"params", {{"subscription", 1}, {"count", 5}}}}));
  EXPECT_EQ(ask(R"({"jsonrpc":"2.0","id":9,"method":"rpc.ping"})")["id"], 9) << "answers are never dropped";
}

TEST_F(RpcSessionTest, PutsOutWhoCallsWithoutReading) {
  const std::string call =
      json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", "test.echo"}, {"params", {{"text", std::string(5000, 'x')}}}}.dump();
  for (int i = 0; i < 10; ++i) session->receive(call);
  EXPECT_TRUE(sink.closed);
  EXPECT_LT(sink.lines.size(), 6U);
  EXPECT_EQ(statistics.slow_clients_closed, 1U);
}

TEST_F(RpcSessionTest, LetsAClientAnswerHooks) {
  EXPECT_EQ(
      ask(R"({"jsonrpc":"2.0","id":1,"method":"hooks.register","params":{"hooks":["beforeJoin"]}})")["result"]["hooks"],
      json({"beforeJoin"}));
  EXPECT_EQ(error_of(R"({"jsonrpc":"2.0","id":1,"method":"hooks.register","params":{"hooks":["nothing"]}})"), -32602);
  std::vector<std::string> heard;
  const auto hear = [&](Result<json, std::string> result) { heard.push_back(result ? result->dump() : result.error()); };
  hooks.providers.at("beforeJoin")(json{{"roomId", "r"}}, hear);
  const json asked = sink.next();
  EXPECT_EQ(asked["method"], "hook.beforeJoin");
  EXPECT_EQ(asked["params"]["roomId"], "r");
  session->receive(json{{"jsonrpc", "2.0"}, {"id", asked["id"]}, {"result", {{"allow", true}}}}.dump());
  EXPECT_EQ(heard, (std::vector<std::string>{R"({"allow":true})"}));
  session->receive(json{{"jsonrpc", "2.0"}, {"id", asked["id"]}, {"result", {{"allow", false}}}}.dump());
  EXPECT_EQ(heard.size(), 1U) << "a second answer is none";

  hooks.providers.at("beforeJoin")(json::object(), hear);
  session->receive(
      json{{"jsonrpc", "2.0"}, {"id", sink.next()["id"]}, {"error", {{"code", 1}, {"message", "no database"}}}}.dump());
  EXPECT_EQ(heard.back(), "no database");
  hooks.providers.at("beforeJoin")(json::object(), hear);
  session.reset();
  EXPECT_EQ(heard.back(), "The hook's client went away.");
  EXPECT_TRUE(hooks.providers.empty()) << "and it is no longer asked";
}

TEST_F(RpcSessionTest, ListsEverything) {
  const json all = ask(R"({"jsonrpc":"2.0","id":1,"method":"rpc.discover"})")["result"];
  std::set<std::string> names;
  for (const json& method : all["methods"]) names.insert(method["name"].get<std::string>());
  EXPECT_TRUE(names.contains("test.echo") && names.contains("events.subscribe"));
  EXPECT_EQ(all["events"].size(), event_catalog().size());
  EXPECT_EQ(all["hooks"].size(), hook_catalog().size());
}

TEST(EventCatalog, IsInOrderWithoutRepetition) {
  for (std::size_t i = 1; i < event_catalog().size(); ++i) EXPECT_LT(event_catalog()[i - 1].name, event_catalog()[i].name);
  for (std::size_t i = 1; i < hook_catalog().size(); ++i) EXPECT_LT(hook_catalog()[i - 1].name, hook_catalog()[i].name);
}

TEST(Patterns, HaveStarsForAnything) {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  for (const auto& [name, pattern] :
       Pairs{{"peer:joined", "peer:*"}, {"x", "*"}, {"", "*"}, {"abcabd", "*abd"}, {"a", "a"}, {"aXbXc", "a*b*c"}})
    EXPECT_TRUE(matches_pattern(name, pattern)) << name << ' ' << pattern;
  for (const auto& [name, pattern] :
       Pairs{{"peer:joined", "room:*"}, {"x", ""}, {"ab", "a"}, {"a", "ab"}, {"abcab", "*abd"}})
    EXPECT_FALSE(matches_pattern(name, pattern)) << name << ' ' << pattern;
}

}  // namespace
}  // namespace sluice
