// What clients meet of rate limits and threat detection (contract sections 22 and 23).
#include "control/rooms/message_guard.hpp"
#include "tests/control/signaling/native/native_harness.hpp"

namespace sluice::testing_native {
namespace {

/// Does as told and remembers what it was shown.
class Guard final : public MessageGuard {
 public:
  explicit Guard(Server& server) : server_(server) {}
  std::optional<std::string> refuse_connection(std::string_view ip, TimePoint) override {
    addresses.emplace_back(ip);
    return refusal;
  }
  GuardVerdict check(const PeerId& peer, const GuardedMessage& message, TimePoint) override {
    messages.push_back(message);
    if (verdict == GuardVerdict::ended) (void)server_.rooms.kick(peer, "Signal rate limit exceeded");
    return verdict;
  }
  std::optional<std::string> refusal;
  GuardVerdict verdict = GuardVerdict::pass;
  std::vector<std::string> addresses;
  std::vector<GuardedMessage> messages;

 private:
  Server& server_;
};

/// Answers joins when it is told to.
class SlowStep final : public AdmissionStep {
 public:
  AdmissionStage stage() const override { return AdmissionStage::user_hook; }
  void decide(const AdmissionRequest&, AdmissionReply reply) override { replies.push_back(std::move(reply)); }
  std::vector<AdmissionReply> replies;
};

struct Guarded : ::testing::Test {
  Guarded() { server.dialect.set_guard(guard); }
  Server server;
  Guard guard{server};
};

TEST_F(Guarded, a_refused_connection_is_closed_before_there_is_a_peer) {
  guard.refusal = "Banned";
  server.dialect.on_open({77}, {"192.0.2.9", "/", ""}, server.now);
  EXPECT_EQ(guard.addresses, std::vector<std::string>{"192.0.2.9"});
  EXPECT_EQ(server.closed(77), std::pair(1008, std::string("Banned")));
  EXPECT_TRUE(server.sink.records[77].sent.empty());
  EXPECT_TRUE(server.rooms.peers().empty());
  server.send(77, R"({"type":"join","roomId":"r"})");
  server.close(77);
  EXPECT_TRUE(guard.messages.empty());
}

TEST_F(Guarded, every_json_message_is_shown_once_with_what_it_is) {
  const std::uint64_t client = server.open();
  const auto shown = [&](const std::string& text) {
    guard.messages.clear();
    server.send(client, text);
    EXPECT_EQ(guard.messages.size(), 1U) << text;
    return guard.messages.empty() ? GuardedMessage{} : guard.messages[0];
  };
  EXPECT_EQ(shown(R"({"type":"join","roomId":"r"})").request, ClientRequest::join);
  EXPECT_EQ(shown("null").request, ClientRequest::other);
  EXPECT_EQ(shown("[]").request, ClientRequest::other);
  EXPECT_EQ(shown(R"({"type":5})").request, ClientRequest::other);
  EXPECT_EQ(shown(R"({"type":"offer","target":"x","sdp":"v"})").request, ClientRequest::sdp);
  EXPECT_FALSE(shown(R"({"type":"answer","target":"x","sdp":"v"})").to_server);
  EXPECT_TRUE(shown(R"({"type":"offer","target":"__sfu__","sdp":"v"})").to_server);
  EXPECT_EQ(shown(R"({"type":"ice-candidate"})").request, ClientRequest::candidate);
  const GuardedMessage data = shown(R"({"type":"data","payload": {"a" : 1} })");
  EXPECT_EQ(data.request, ClientRequest::data);
  EXPECT_EQ(data.bytes, std::string(R"({"a" : 1})").size());
  EXPECT_TRUE(data.to_all);
  EXPECT_FALSE(shown(R"({"type":"data","payload":1,"target":"x"})").to_all);
  const GuardedMessage metadata = shown(R"({"type":"metadata","patch":{"x":"yy"}})");
  EXPECT_EQ(metadata.request, ClientRequest::metadata);
  EXPECT_EQ(metadata.bytes, 10U);
  guard.messages.clear();
  server.send(client, "not json");
  EXPECT_TRUE(guard.messages.empty());
}

TEST_F(Guarded, control_payloads_of_attached_modules_are_no_broadcasts) {
  Server with_sfu({}, true);
  Guard own(with_sfu);
  with_sfu.dialect.set_guard(own);
  const std::uint64_t client = with_sfu.join();
  own.messages.clear();
  with_sfu.send(client, R"({"type":"data","payload":{"__sfu":"feedback"}})");
  with_sfu.send(client, R"({"type":"data","payload":{"__mod":"mute"}})");
  ASSERT_EQ(own.messages.size(), 2U);
  EXPECT_TRUE(own.messages[0].to_server);
  EXPECT_FALSE(own.messages[0].to_all);
  EXPECT_TRUE(own.messages[1].to_all) << "that module is not attached";
}

TEST_F(Guarded, what_is_dropped_has_no_effect_and_is_told_if_so_decided) {
  const std::uint64_t a = server.join();
  const std::uint64_t b = server.join();
  guard.verdict = GuardVerdict::drop;
  server.send(a, R"({"type":"data","payload":1})");
  EXPECT_TRUE(server.quiet(a));
  EXPECT_TRUE(server.quiet(b));
  guard.verdict = GuardVerdict::drop_and_tell;
  server.send(a, R"({"type":"data","payload":1})");
  EXPECT_EQ(server.next(a),
            Json::parse(R"({"type":"error","code":"RATE_LIMITED","message":"Too many messages. Slow down."})"));
  EXPECT_TRUE(server.quiet(b));
  EXPECT_FALSE(server.closed(a));
}

TEST_F(Guarded, one_that_is_ended_is_kicked_and_nothing_of_it_is_handled_any_more) {
  const std::uint64_t a = server.join();
  const std::uint64_t b = server.join();
  guard.verdict = GuardVerdict::ended;
  server.send(a, R"({"type":"data","payload":1})");
  EXPECT_EQ(server.next(a), Json::parse(R"({"type":"kicked","reason":"Signal rate limit exceeded"})"));
  EXPECT_EQ(server.closed(a), std::pair(1008, std::string("Signal rate limit exceeded")));
  EXPECT_EQ(server.next(b)["type"], "peer:left");
  guard.verdict = GuardVerdict::pass;
  server.send(a, R"({"type":"data","payload":1})");
  EXPECT_TRUE(server.quiet(b));
}

TEST_F(Guarded, messages_that_wait_for_admission_count_when_they_come) {
  SlowStep step;
  server.rooms.add_admission_step(step);
  const std::uint64_t a = server.open();
  server.send(a, R"({"type":"join","roomId":"r"})");
  EXPECT_EQ(guard.messages.size(), 1U);
  server.send(a, R"({"type":"data","payload":1})");
  EXPECT_EQ(guard.messages.size(), 2U);
  guard.verdict = GuardVerdict::drop;
  server.send(a, R"({"type":"data","payload":2})");
  ASSERT_EQ(step.replies.size(), 1U);
  guard.verdict = GuardVerdict::pass;
  step.replies[0](Admit{}, server.now);
  EXPECT_EQ(guard.messages.size(), 3U) << "not once more when they are handled";
}

}  // namespace
}  // namespace sluice::testing_native
