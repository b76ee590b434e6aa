// Contract section 15 and the design's rulings on it.
#include "tests/control/signaling/native/native_harness.hpp"

namespace sluice::testing_native {
namespace {

struct Sfu : ::testing::Test {
  Server server{held(), true};
  std::uint64_t alice = server.join();
  std::uint64_t bob = server.join();
  void SetUp() override { server.forget(); }
  void say(std::uint64_t client, const std::string& members) {
    server.send(client, R"({"type":"data","payload":{)" + members + "}}");
  }
  std::string publish(std::uint64_t client, const std::string& members = R"("kind":"video","trackId":"cam")") {
    say(client, R"("__sfu":"publish",)" + members);
    const Json reply = server.next(client);
    EXPECT_EQ(reply["type"], "sfu:published") << reply;
    server.forget();
    return reply["producerId"];
  }
  std::string subscribe(std::uint64_t client, const std::string& producer) {
    say(client, R"("__sfu":"subscribe","producerId":")" + producer + '"');
    const Json reply = server.next(client);
    EXPECT_EQ(reply["type"], "sfu:subscribed") << reply;
    server.forget();
    return reply["consumerId"];
  }
  std::string offer(const std::string& sdp = R"("o")") { return R"({"type":"offer","target":"__sfu__","sdp":)" + sdp + "}"; }
};

TEST_F(Sfu, ready_follows_joining) {
  const std::string producer = publish(alice);
  const auto carol = server.open();
  server.send(carol, R"({"type":"join","roomId":"r"})");
  EXPECT_EQ(server.next(carol)["type"], "room:joined");
  const Json ready = server.next(carol);
  EXPECT_EQ(ready, Json::parse(R"({"type":"sfu:ready","roomId":"r","region":"default","simulcastEnabled":true,
    "existingProducers":[{"peerId":")" +
                               server.id(alice) + R"(","producerId":")" + producer + R"(","kind":"video","trackId":"cam",
    "layers":["low","mid","high"],"paused":false}],
    "iceConfig":{"listenIp":"0.0.0.0","announcedIp":null,"minPort":40000,"maxPort":40000},
    "media":{"peerId":"__sfu__","iceLite":true}})"));
  EXPECT_TRUE(server.quiet(carol));
}

TEST_F(Sfu, publishing_is_answered_told_and_not_relayed) {
  say(alice, R"("__sfu":"publish","kind":"video","trackId":"cam","mid":"1","ssrcs":[7,4294967295])");
  const Json reply = server.next(alice);
  const std::string producer = reply["producerId"];
  EXPECT_EQ(producer.rfind("prod-", 0), 0U);
  EXPECT_EQ(reply, (Json{{"type", "sfu:published"}, {"producerId", producer}, {"kind", "video"}, {"trackId", "cam"}}));
  EXPECT_EQ(server.next(bob), (Json{{"type", "sfu:peer:published"},
                                    {"peerId", server.id(alice)},
                                    {"producerId", producer},
                                    {"kind", "video"},
                                    {"trackId", "cam"},
                                    {"layers", {"low", "mid", "high"}}}));
  EXPECT_TRUE(server.quiet(alice) && server.quiet(bob));
  const Publication* made = server.publications.find(ProducerId(producer));
  EXPECT_EQ(made->mid, "1");
  EXPECT_EQ(made->ssrcs, (std::vector<std::uint32_t>{7, 4294967295}));
}

TEST_F(Sfu, layers_have_their_defaults) {
  struct Case {
    std::string members;
    Json layers;
  };
  for (const Case& c :
       {Case{R"("kind":"video")", {"low", "mid", "high"}}, Case{R"("kind":"video","layers":[])", {"low", "mid", "high"}},
        Case{R"("kind":"video","layers":["q","h"])", {"q", "h"}}, Case{R"("kind":"audio")", Json::array()},
        Case{R"("kind":"data")", Json::array()}, Case{R"("kind":"video","layers":[1])", {"low", "mid", "high"}},
        Case{R"("kind":"video","layers":"x")", {"low", "mid", "high"}}}) {
    say(alice, R"("__sfu":"publish",)" + c.members);
    const Json reply = server.next(alice);
    EXPECT_EQ(reply["trackId"], reply["producerId"]) << "trackId defaults to the producer";
    EXPECT_EQ(server.next(bob)["layers"], c.layers) << c.members;
  }
}

TEST_F(Sfu, kinds_are_three) {
  for (const std::string kind : {R"("screen")", "5", "null", R"({"a":1})"}) {
    say(alice, R"("__sfu":"publish","kind":)" + kind);
    EXPECT_EQ(server.next(alice), Json::parse(R"({"type":"error","code":"SFU_INVALID_KIND","kind":)" + kind + "}"));
  }
  say(alice, R"("__sfu":"publish")");
  EXPECT_ERROR(server, alice, R"({"type":"error","code":"SFU_INVALID_KIND"})");
  EXPECT_TRUE(server.quiet(bob));
}

TEST_F(Sfu, subscribing_tells_what_and_where) {
  const std::string video = publish(alice);
  server.media.mid = "5";
  say(bob, R"("__sfu":"subscribe","producerId":")" + video + '"');
  const Json reply = server.next(bob);
  EXPECT_EQ(reply, (Json{{"type", "sfu:subscribed"},
                         {"consumerId", reply["consumerId"]},
                         {"producerId", video},
                         {"publisherId", server.id(alice)},
                         {"kind", "video"},
                         {"trackId", "cam"},
                         {"activeLayer", "high"},
                         {"mid", "5"}}));
  EXPECT_TRUE(server.quiet(alice));
  server.media.mid.reset();
  const std::string custom = publish(alice, R"("kind":"video","layers":["q","h"])");
  say(bob, R"("__sfu":"subscribe","producerId":")" + custom + '"');
  const Json second = server.next(bob);
  EXPECT_EQ(second["activeLayer"], "h");
  EXPECT_FALSE(second.contains("mid"));
  const std::string audio = publish(alice, R"("kind":"audio")");
  say(bob, R"("__sfu":"subscribe","producerId":")" + audio + '"');
  EXPECT_EQ(server.next(bob)["activeLayer"], "");
}

TEST_F(Sfu, subscribing_to_nothing_or_oneself_is_refused) {
  const std::string producer = publish(alice);
  const auto stranger = server.join("elsewhere");
  for (const auto& [client, id] : std::vector<std::pair<std::uint64_t, std::string>>{
           {bob, R"("prod-x")"}, {stranger, '"' + producer + '"'}, {bob, "7"}}) {
    say(client, R"("__sfu":"subscribe","producerId":)" + id);
    EXPECT_EQ(server.next(client),
              Json::parse(R"({"type":"error","code":"SFU_PRODUCER_NOT_FOUND","producerId":)" + id + "}"));
  }
  say(alice, R"("__sfu":"subscribe","producerId":")" + producer + '"');
  EXPECT_ERROR(server, alice, R"({"type":"error","code":"SFU_CANNOT_SUBSCRIBE_OWN"})");
}

TEST_F(Sfu, unpublishing_tells_subscribers_then_the_whole_room) {
  const std::string producer = publish(alice);
  const std::string consumer = subscribe(bob, producer);
  say(alice, R"("__sfu":"unpublish","producerId":")" + producer + '"');
  const Json unpublished = {
      {"type", "sfu:peer:unpublished"}, {"peerId", server.id(alice)}, {"producerId", producer}, {"kind", "video"}};
  EXPECT_EQ(server.next(alice), (Json{{"type", "sfu:unpublished"}, {"producerId", producer}}));
  EXPECT_EQ(server.next(alice), unpublished);
  EXPECT_EQ(server.next(bob), (Json{{"type", "sfu:consumer:closed"}, {"consumerId", consumer}, {"producerId", producer}}));
  EXPECT_EQ(server.next(bob), unpublished);
  EXPECT_TRUE(server.publications.subscriptions().empty());
  say(alice, R"("__sfu":"unpublish","producerId":"prod-unknown")");
  EXPECT_EQ(server.next(alice), (Json{{"type", "sfu:unpublished"}, {"producerId", "prod-unknown"}}));
  EXPECT_TRUE(server.quiet(bob));
}

TEST_F(Sfu, only_the_owner_unpublishes) {
  const std::string producer = publish(alice);
  say(bob, R"("__sfu":"unpublish","producerId":")" + producer + '"');
  EXPECT_EQ(server.next(bob), (Json{{"type", "error"}, {"code", "SFU_NOT_OWNER"}, {"producerId", producer}}));
  const auto stranger = server.join("elsewhere");
  say(stranger, R"("__sfu":"unpublish","producerId":")" + producer + '"');
  EXPECT_EQ(server.next(stranger)["type"], "sfu:unpublished");  // unknown there
  EXPECT_NE(server.publications.find(ProducerId(producer)), nullptr);
}

TEST_F(Sfu, layers_are_each_consumers_own) {
  const std::string producer = publish(alice);
  const auto carol = server.join();
  const std::string of_bob = subscribe(bob, producer);
  const std::string of_carol = subscribe(carol, producer);
  say(bob, R"("__sfu":"layers","layer":"low","consumerId":")" + of_bob + '"');
  EXPECT_EQ(server.next(bob), (Json{{"type", "sfu:layer:changed"}, {"consumerId", of_bob}, {"layer", "low"}}));
  EXPECT_EQ(server.publications.find(ConsumerId(of_bob))->layer, 0);
  EXPECT_EQ(server.publications.find(ConsumerId(of_carol))->active_layer, "high");
  say(bob, R"("__sfu":"layers","layer":"ultra","consumerId":")" + of_bob + '"');
  EXPECT_ERROR(server, bob,
               R"({"type":"error","code":"SFU_INVALID_LAYER","layer":"ultra","available":["low","mid","high"]})");
  say(bob, R"("__sfu":"layers","layer":"low","consumerId":")" + of_carol + '"');
  say(bob, R"("__sfu":"layers","layer":"low","consumerId":"cons-x")");
  say(bob, R"("__sfu":"layers")");
  EXPECT_TRUE(server.quiet(bob) && server.quiet(carol) && server.quiet(alice));
}

TEST_F(Sfu, pausing_is_the_publishers) {
  const std::string producer = publish(alice);
  std::vector<bool> facts;
  auto paused = server.bus.subscribe<PublicationPaused>([&](const PublicationPaused&) { facts.push_back(true); });
  auto resumed = server.bus.subscribe<PublicationResumed>([&](const PublicationResumed&) { facts.push_back(false); });
  for (const std::string action : {"pause", "pause", "resume"}) {
    say(alice, R"("__sfu":")" + action + R"(","producerId":")" + producer + '"');
    EXPECT_EQ(server.next(alice),
              (Json{{"type", action == "pause" ? "sfu:paused" : "sfu:resumed"}, {"producerId", producer}}));
  }
  EXPECT_EQ(facts, (std::vector<bool>{true, false}));
  say(bob, R"("__sfu":"pause","producerId":")" + producer + '"');
  say(alice, R"("__sfu":"pause","producerId":"prod-x")");
  EXPECT_TRUE(server.quiet(alice) && server.quiet(bob));
}

TEST_F(Sfu, pausing_is_told_to_each_subscriber_once) {
  const std::string producer = publish(alice);
  const auto carol = server.join();
  subscribe(bob, producer);
  subscribe(bob, producer);
  server.forget();
  say(alice, R"("__sfu":"pause","producerId":")" + producer + '"');
  say(alice, R"("__sfu":"pause","producerId":")" + producer + '"');
  say(alice, R"("__sfu":"resume","producerId":")" + producer + '"');
  EXPECT_EQ(server.next(bob), (Json{{"type", "sfu:paused"}, {"producerId", producer}}));
  EXPECT_EQ(server.next(bob), (Json{{"type", "sfu:resumed"}, {"producerId", producer}}));
  EXPECT_TRUE(server.quiet(bob) && server.quiet(carol));
}

TEST_F(Sfu, consumers_may_be_paused_and_ended_by_their_subscriber) {
  const std::string consumer = subscribe(bob, publish(alice));
  say(bob, R"("__sfu":"consumer-pause","consumerId":")" + consumer + '"');
  EXPECT_EQ(server.next(bob), (Json{{"type", "sfu:consumer:paused"}, {"consumerId", consumer}}));
  EXPECT_TRUE(server.publications.find(ConsumerId(consumer))->paused);
  say(bob, R"("__sfu":"consumer-resume","consumerId":")" + consumer + '"');
  EXPECT_EQ(server.next(bob)["type"], "sfu:consumer:resumed");
  say(alice, R"("__sfu":"consumer-pause","consumerId":")" + consumer + '"');
  EXPECT_TRUE(server.quiet(alice));
  say(alice, R"("__sfu":"unsubscribe","consumerId":")" + consumer + '"');
  EXPECT_NE(server.publications.find(ConsumerId(consumer)), nullptr);
  say(bob, R"("__sfu":"unsubscribe","consumerId":")" + consumer + '"');
  EXPECT_EQ(server.next(bob), (Json{{"type", "sfu:unsubscribed"}, {"consumerId", consumer}}));
  EXPECT_TRUE(server.quiet(bob));
  EXPECT_EQ(server.publications.find(ConsumerId(consumer)), nullptr);
}

TEST_F(Sfu, unknown_actions_are_said) {
  for (const std::string action : {R"("fly")", R"("feedback")", R"("active-speaker")", "5", R"(["publish"])", "{}"}) {
    say(alice, R"("__sfu":)" + action);
    EXPECT_EQ(server.next(alice), Json::parse(R"({"type":"error","code":"SFU_UNKNOWN_ACTION","action":)" + action + "}"));
  }
  EXPECT_TRUE(server.quiet(bob));
  say(alice, R"("__sfu":"","x":1)");  // not a control payload
  EXPECT_EQ(server.next(bob)["payload"]["x"], 1);
}

TEST_F(Sfu, ambiguous_control_payloads_reach_nobody) {
  say(alice, R"("__sfu":"publish","kind":"audio","__sfu":"x")");
  EXPECT_TRUE(server.quiet(alice) && server.quiet(bob));
  say(alice, R"("a":1,"a":2)");  // mere data
  EXPECT_EQ(server.next(bob)["type"], "data");
}

TEST_F(Sfu, control_payloads_with_a_target_are_handled_all_the_same) {
  server.send(alice, R"({"type":"data","target":")" + server.id(bob) + R"(","payload":{"__sfu":"publish","kind":"audio"}})");
  EXPECT_EQ(server.next(alice)["type"], "sfu:published");
  EXPECT_EQ(server.next(bob)["type"], "sfu:peer:published");
  EXPECT_TRUE(server.quiet(bob));
}

TEST_F(Sfu, a_leaving_publisher_ends_its_producers_and_a_leaving_subscriber_its_consumers) {
  const std::string producer = publish(alice);
  const std::string consumer = subscribe(bob, producer);
  const std::string reverse = subscribe(alice, publish(bob, R"("kind":"audio")"));
  server.send(alice, R"({"type":"leave"})");
  EXPECT_EQ(server.next(bob)["type"], "peer:left");
  EXPECT_EQ(server.next(bob), (Json{{"type", "sfu:consumer:closed"}, {"consumerId", consumer}, {"producerId", producer}}));
  EXPECT_EQ(server.next(bob)["type"], "sfu:peer:unpublished");
  EXPECT_TRUE(server.quiet(bob));
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_EQ(server.publications.publications().size(), 1U);
  EXPECT_TRUE(server.publications.subscriptions().empty());
}

TEST_F(Sfu, offers_are_answered_in_the_form_they_came) {
  server.send(alice, offer());
  EXPECT_EQ(server.next(alice), (Json{{"type", "answer"}, {"from", "__sfu__"}, {"sdp", "answer to o"}}));
  server.send(alice, offer(R"({"type":"offer","sdp":"p\r\n"})"));
  EXPECT_EQ(server.next(alice),
            (Json{{"type", "answer"}, {"from", "__sfu__"}, {"sdp", {{"type", "answer"}, {"sdp", "answer to p\r\n"}}}}));
  EXPECT_EQ(server.media.offers.at(1), (std::pair<std::string, std::string>{server.id(alice), "p\r\n"}));
  EXPECT_TRUE(server.quiet(bob));
}

TEST_F(Sfu, bad_offers_are_said) {
  for (const std::string sdp : {"5", "[1]", R"({"type":"offer"})", R"({"sdp":7})"}) {
    server.send(alice, offer(sdp));
    EXPECT_EQ(server.next(alice)["code"], "SFU_OFFER_INVALID") << sdp;
  }
  EXPECT_TRUE(server.media.offers.empty());
  server.media.offer_error = MediaSignaling::OfferError{"SFU_OFFER_INVALID", "no fingerprint"};
  server.send(alice, offer());
  EXPECT_ERROR(server, alice, R"({"type":"error","code":"SFU_OFFER_INVALID","message":"no fingerprint"})");
}

TEST_F(Sfu, candidates_and_answers_are_taken_quietly) {
  server.send(alice, R"({"type":"ice-candidate","target":"__sfu__","candidate":{"candidate":"x"}})");
  server.send(alice, R"({"type":"answer","target":"__sfu__","sdp":"x"})");
  EXPECT_EQ(server.media.candidates.at(0).second, R"({"candidate":"x"})");
  EXPECT_TRUE(server.media.offers.empty());
  EXPECT_TRUE(server.quiet(alice));
}

TEST_F(Sfu, session_descriptions_are_limited_to_120_a_minute) {
  for (int i = 0; i < 121; ++i) server.send(alice, offer());
  for (int i = 0; i < 120; ++i) EXPECT_EQ(server.next(alice)["type"], "answer");
  EXPECT_EQ(server.next(alice)["code"], "RATE_LIMITED");
  EXPECT_FALSE(server.closed(alice));
  server.send(bob, offer());
  EXPECT_EQ(server.next(bob)["type"], "answer");
  server.pass(60s);
  server.send(alice, offer());
  EXPECT_EQ(server.next(alice)["type"], "answer");
}

TEST_F(Sfu, consumers_that_an_offer_made_ready_follow_its_answer_once) {
  const std::string consumer = subscribe(bob, publish(alice));
  server.media.ready = {{ConsumerId(consumer), "3"}};
  server.send(bob, offer());
  EXPECT_EQ(server.next(bob)["type"], "answer");
  EXPECT_EQ(server.next(bob), (Json{{"type", "sfu:consumer:ready"}, {"consumerId", consumer}, {"mid", "3"}}));
  EXPECT_TRUE(server.quiet(bob));
  server.bus.publish(ConsumerReady{server.peer(bob), ConsumerId(consumer), "3"});  // known
  server.bus.publish(ConsumerReady{server.peer(bob), ConsumerId("cons-gone"), "3"});
  EXPECT_TRUE(server.quiet(bob));
  server.bus.publish(ConsumerReady{server.peer(bob), ConsumerId(consumer), "4"});
  EXPECT_EQ(server.next(bob)["mid"], "4");
}

TEST_F(Sfu, media_troubles_are_told) {
  server.bus.publish(ConsumerCodecUnsupported{server.peer(bob), ConsumerId("cons-1")});
  EXPECT_ERROR(server, bob, R"({"type":"error","code":"SFU_CODEC_UNSUPPORTED","consumerId":"cons-1"})");
  server.bus.publish(MediaClosed{server.peer(bob), "DTLS failed"});
  EXPECT_ERROR(server, bob, R"({"type":"error","code":"SFU_TRANSPORT_CLOSED","message":"DTLS failed"})");
}

TEST_F(Sfu, the_number_of_publications_is_bounded) {
  for (int i = 0; i < 64; ++i) publish(alice, R"("kind":"audio")");
  say(alice, R"("__sfu":"publish","kind":"audio")");
  EXPECT_EQ(server.next(alice)["code"], "RATE_LIMITED");
  EXPECT_FALSE(server.closed(alice));
}

TEST(NativeSfu, control_payloads_may_be_relayed_as_well) {
  SignalingOptions options;
  options.relay_control_payloads = true;
  Server server(options, true);
  const auto alice = server.join();
  const auto bob = server.join();
  server.forget();
  server.send(alice, R"({"type":"data","payload":{"__sfu":"publish","kind":"audio"}})");
  EXPECT_EQ(server.next(bob)["type"], "sfu:peer:published");
  EXPECT_EQ(server.next(bob)["payload"]["__sfu"], "publish");
}

}  // namespace
}  // namespace sluice::testing_native
