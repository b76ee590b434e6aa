// WHIP and WHEP sessions as peers of the room core.
#include "tests/control/signaling/whip/whip_harness.hpp"

namespace sluice::testing_whip {
namespace {

class WhipSession : public WhipTest {};

/// Answers joins when it is told to.
class SlowStep final : public AdmissionStep {
 public:
  AdmissionStage stage() const override { return AdmissionStage::policy; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override {
    metadata = request.metadata;
    replies.push_back(std::move(reply));
  }
  void answer(AdmissionDecision decision, TimePoint now) {
    for (const AdmissionReply& reply : std::exchange(replies, {})) reply(decision, now);
  }
  Metadata metadata;
  std::vector<AdmissionReply> replies;
};

TEST_F(WhipSession, APublisherPublishesEachLineOfItsOfferWithItsLayers) {
  const PeerId peer = server.peer_of(server.post("/whip/r", publishing()));
  const auto published = server.publications.of_publisher(peer);
  ASSERT_EQ(published.size(), 2U);
  EXPECT_EQ(published[0]->kind, PublicationKind::audio);
  EXPECT_EQ(published[0]->mid, "0");
  EXPECT_EQ(published[1]->kind, PublicationKind::video);
  EXPECT_EQ(published[1]->mid, "1");
  EXPECT_EQ(published[1]->track_id, "camera");
  EXPECT_EQ(published[1]->layers, (std::vector<std::string>{"l", "m", "h"}));
  EXPECT_EQ(server.rooms.find_peer(peer)->dialect(), "whip");
  EXPECT_EQ(server.rooms.find_peer(peer)->state(), PeerState::joined);
}

TEST_F(WhipSession, AViewerReceivesTheLatestOfEachKind) {
  const PeerId a = server.native("r");
  server.publish(a, PublicationKind::audio);
  server.publish(a, PublicationKind::video);
  const PeerId b = server.native("r");
  const ProducerId camera = server.publish(b, PublicationKind::video);
  const PeerId viewer = server.peer_of(server.post("/whep/r", viewing()));
  const auto watched = server.watched(viewer);
  ASSERT_EQ(watched.size(), 2U);
  EXPECT_EQ(watched[0]->peer, a);
  EXPECT_EQ(watched[1]->id, camera);
  server.publish(a, PublicationKind::video);
  server.turn();
  EXPECT_EQ(server.watched(viewer)[1]->id, camera) << "it stays with what it has";
}

TEST_F(WhipSession, AViewerOfSoundAloneGetsNoPicture) {
  const PeerId a = server.native("r");
  server.publish(a, PublicationKind::video);
  EXPECT_EQ(server.post("/whep/r", offer_of(offer_line("audio", "0", "recvonly"))).status, 404);
  server.publish(a, PublicationKind::audio);
  const PeerId viewer = server.peer_of(server.post("/whep/r", offer_of(offer_line("audio", "0", "recvonly"))));
  ASSERT_EQ(server.watched(viewer).size(), 1U);
  EXPECT_EQ(server.watched(viewer)[0]->kind, PublicationKind::audio);
}

TEST_F(WhipSession, WhenWhatItWatchesEndsAViewerGetsTheNextLatestOrTheNextThatStarts) {
  const PeerId a = server.native("r");
  const ProducerId first = server.publish(a, PublicationKind::video);
  const PeerId b = server.native("r");
  server.publish(b, PublicationKind::video);
  const PeerId viewer = server.peer_of(server.post("/whep/r", viewing()));
  EXPECT_EQ(server.watched(viewer)[0]->peer, b);
  server.rooms.leave(b, LeaveCause::dropped);
  server.turn();
  ASSERT_EQ(server.watched(viewer).size(), 1U);
  EXPECT_EQ(server.watched(viewer)[0]->id, first);
  ASSERT_TRUE(server.publications.unpublish(a, first));
  server.turn();
  EXPECT_TRUE(server.watched(viewer).empty());
  const ProducerId next = server.publish(a, PublicationKind::video);
  server.publish(a, PublicationKind::audio);
  server.turn();
  const auto watched = server.watched(viewer);
  ASSERT_EQ(watched.size(), 2U);
  EXPECT_TRUE(watched[0]->id == next || watched[1]->id == next);
}

TEST_F(WhipSession, AViewerOfOnePeerStaysWithIt) {
  const PeerId a = server.native("r");
  const ProducerId own = server.publish(a, PublicationKind::video);
  const PeerId b = server.native("r");
  server.publish(b, PublicationKind::video);
  const PeerId viewer = server.peer_of(server.post("/whep/r?x=1&peer=" + a.value, viewing()));
  EXPECT_EQ(server.watched(viewer)[0]->id, own);
  ASSERT_TRUE(server.publications.unpublish(a, own));
  server.turn();
  EXPECT_TRUE(server.watched(viewer).empty());
  const ProducerId next = server.publish(a, PublicationKind::video);
  server.turn();
  EXPECT_EQ(server.watched(viewer)[0]->id, next);
  EXPECT_EQ(server.post("/whep/r?peer=nobody", viewing()).status, 404);
}

TEST_F(WhipSession, WithoutACommonCodecThereIsNoSession) {
  const PeerId a = server.native("r");
  server.publish(a, PublicationKind::video);
  const auto told = server.bus.subscribe<SubscriptionStarted>([&](const SubscriptionStarted& fact) {
    server.bus.publish(ConsumerCodecUnsupported{fact.subscriber, fact.consumer});
  });
  EXPECT_EQ(server.post("/whep/r", viewing()).status, 422);
  EXPECT_EQ(server.rooms.find_room(RoomId("r"))->members().size(), 1U);
}

TEST_F(WhipSession, MediaThatDoesNotComeUpEndsTheSession) {
  const HttpResponse created = server.post("/whip/r", publishing());
  const PeerId peer = server.peer_of(created);
  server.turn(29s);
  EXPECT_NE(server.rooms.find_peer(peer), nullptr);
  server.turn(2s);
  EXPECT_EQ(server.rooms.find_peer(peer), nullptr);
  EXPECT_EQ(server.ask(HttpMethod::get, Server::header(created, "location")).status, 404);
  EXPECT_EQ(server.sessions.next_deadline(), never);
}

TEST_F(WhipSession, MediaThatEndsEndsTheSessionAndNothingElseDoes) {
  const PeerId peer = server.peer_of(server.post("/whip/r", publishing()));
  server.bus.publish(MediaConnected{peer, RoomId("r")});
  server.turn(24h);
  ASSERT_NE(server.rooms.find_peer(peer), nullptr);
  server.bus.publish(MediaClosed{peer, "no connectivity check arrived for too long"});
  server.turn();
  EXPECT_EQ(server.rooms.find_peer(peer), nullptr);
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(WhipSession, ConsentThatExpiresEndsTheSessionToo) {
  const PeerId peer = server.peer_of(server.post("/whip/r", publishing()));
  server.bus.publish(MediaConnected{peer, RoomId("r")});
  server.bus.publish(MediaInterrupted{peer, RoomId("r")});
  server.turn();
  EXPECT_EQ(server.rooms.find_peer(peer), nullptr);
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(WhipSession, WhoIsPutOutHasNoSessionAnyMore) {
  const HttpResponse created = server.post("/whip/r", publishing());
  EXPECT_TRUE(server.rooms.kick(server.peer_of(created)));
  EXPECT_EQ(server.ask(HttpMethod::del, Server::header(created, "location")).status, 404);
  const HttpResponse second = server.post("/whip/r", publishing());
  EXPECT_TRUE(server.rooms.destroy(RoomId("r")));
  EXPECT_EQ(server.ask(HttpMethod::get, Server::header(second, "location")).status, 404);
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST(WhipTokens, TheBearerTokenIsForAdmissionToJudge) {
  StateLog log = *StateLog::open(*Region::create("whip-test", 1 << 20U));
  WhipOptions options;
  options.token_metadata_keys = {"policyToken"};
  Server server(log, options);
  SlowStep policy;
  server.rooms.add_admission_step(policy);
  EXPECT_EQ(server.post("/whip/r", publishing(), {{"authorization", "bearer to\"ken"}}).status, 0) << "later";
  ASSERT_NE(policy.metadata.find("policyToken"), nullptr);
  EXPECT_EQ(*policy.metadata.find("policyToken"), R"("to\"ken")");
  policy.answer(Refuse{"JOIN_REJECTED", "This token is for another room", {}, {}}, server.now);
  EXPECT_EQ(server.late.status, 403);
  EXPECT_NE(server.late.body.find("This token is for another room"), std::string::npos);

  server.post("/whip/r", publishing());
  EXPECT_EQ(policy.metadata.find("policyToken"), nullptr);
  policy.answer(Refuse{"JOIN_REJECTED", "A token is needed", {}, {}}, server.now);
  EXPECT_EQ(server.late.status, 401);
  EXPECT_EQ(Server::header(server.late, "www-authenticate"), "Bearer");

  server.post("/whip/r", publishing(), {{"authorization", "Bearer good"}});
  policy.answer(Admit{}, server.now);
  EXPECT_EQ(server.late.status, 201);
  policy.answer(AdmissionFailure{"x"}, server.now);
}

TEST_F(WhipSession, TheBearerTokenIsShownOnceSomethingAsksForIt) {
  SlowStep policy;
  server.rooms.add_admission_step(policy);
  const std::vector<std::pair<std::string, std::string>> bearer{{"authorization", "Bearer t"}};
  server.post("/whip/r", publishing(), bearer);
  EXPECT_EQ(policy.metadata.find("policyToken"), nullptr);
  policy.answer(Admit{}, server.now);
  server.sessions.set_token_metadata_keys({"policyToken"});
  server.post("/whip/r", publishing(), bearer);
  ASSERT_NE(policy.metadata.find("policyToken"), nullptr);
  EXPECT_EQ(*policy.metadata.find("policyToken"), R"("t")");
  policy.answer(Admit{}, server.now);
}

TEST_F(WhipSession, PublishingAndWatchingNeedTheirPermission) {
  struct : Permissions {
    bool allows(const PeerId& peer, MemberAction action) const override { return peer == exempt || action != denied; }
    MemberAction denied = MemberAction::publish;
    PeerId exempt;
  } permissions;
  server.publish(permissions.exempt = server.native("r"), PublicationKind::video);
  server.rooms.add_permissions(permissions);
  const std::vector<std::pair<std::string, std::string>> bearer{{"authorization", "Bearer t"}};
  EXPECT_EQ(server.post("/whip/r", publishing()).status, 401);
  EXPECT_EQ(server.post("/whip/r", publishing(), bearer).status, 403);
  EXPECT_EQ(server.post("/whep/r", viewing(), bearer).status, 201);
  permissions.denied = MemberAction::subscribe;
  EXPECT_EQ(server.post("/whep/r", viewing()).status, 401);
  EXPECT_EQ(server.post("/whep/r", viewing(), bearer).status, 403);
  EXPECT_EQ(server.rooms.find_room(RoomId("r"))->members().size(), 2U) << "who may not has left no member behind";
}

TEST_F(WhipSession, OtherRefusalsOfTheCoreHaveTheirStatus) {
  SlowStep step;
  server.rooms.add_admission_step(step);
  server.post("/whip/r", publishing());
  step.answer(AdmissionFailure{"hook unreachable"}, server.now);
  EXPECT_EQ(server.late.status, 503);
  server.post("/whip/r", publishing());
  step.answer(Refuse{.code = "SERVER_DRAINING",
                     .message = "The server is being emptied",
                     .close_reason = {},
                     .rejected_reason = {},
                     .temporary = true},
              server.now);
  EXPECT_EQ(server.late.status, 503);
  RoomsOptions closed;
  closed.auto_create_rooms = false;
  closed.max_peers_per_room = 1;
  Server other(log, {}, closed);
  EXPECT_EQ(other.post("/whip/r", publishing()).status, 404);
  ASSERT_TRUE(other.rooms.create(RoomId("r"), {}, 1, other.now));
  EXPECT_EQ(other.post("/whip/r", publishing()).status, 201);
  EXPECT_EQ(other.post("/whip/r", publishing()).status, 503) << "full";
  EXPECT_EQ(other.rooms.peers().size(), 1U);
}

TEST_F(WhipSession, AClientThatGoesBeforeItIsAdmittedLeavesNothing) {
  SlowStep step;
  server.rooms.add_admission_step(step);
  server.post("/whip/r", publishing());
  EXPECT_EQ(server.rooms.peers().size(), 1U);
  server.aborter();
  EXPECT_TRUE(server.rooms.peers().empty());
  step.answer(Admit{}, server.now);
  EXPECT_TRUE(server.rooms.peers().empty());
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(WhipSession, SessionsSurviveThisProcess) {
  const HttpResponse publisher = server.post("/whip/r", publishing());
  const PeerId peer = server.peer_of(publisher);
  const HttpResponse viewer = server.post("/whep/r?peer=" + peer.value, viewing());
  const PeerId watching = server.peer_of(viewer);
  const PeerId held_native = server.native("r");

  Server next(log);
  EXPECT_EQ(next.control_state.restore(next.now), 3U);
  next.sessions.restored(next.now);
  next.turn();
  EXPECT_EQ(next.rooms.find_peer(peer)->state(), PeerState::joined);
  EXPECT_EQ(next.rooms.find_peer(watching)->state(), PeerState::joined);
  EXPECT_EQ(next.rooms.find_peer(held_native)->state(), PeerState::reconnecting);
  EXPECT_EQ(next.watched(watching).size(), 2U);
  EXPECT_EQ(next.ask(HttpMethod::get, Server::header(publisher, "location")).status, 204);
  // Its media is up, which is found out again.
  next.bus.publish(MediaConnected{peer, RoomId("r")});
  next.bus.publish(MediaConnected{watching, RoomId("r")});
  next.turn(1h);
  next.held.handle_timeout(next.now);
  EXPECT_NE(next.rooms.find_peer(peer), nullptr) << "no hold time ends it";
  EXPECT_EQ(next.rooms.find_peer(held_native), nullptr);
  EXPECT_EQ(next.ask(HttpMethod::del, Server::header(publisher, "location")).status, 200);
  next.turn();
  EXPECT_TRUE(next.watched(watching).empty());
  EXPECT_EQ(next.ask(HttpMethod::del, Server::header(viewer, "location")).status, 200);
  EXPECT_TRUE(next.rooms.rooms().empty());

  Server last(log);
  EXPECT_EQ(last.control_state.restore(last.now), 0U);
  last.sessions.restored(last.now);
  EXPECT_EQ(last.sessions.size(), 0U);
}

TEST_F(WhipSession, ARestoredSessionWhoseMediaIsGoneEnds) {
  const PeerId peer = server.peer_of(server.post("/whip/r", publishing()));
  Server next(log);
  next.control_state.restore(next.now);
  next.sessions.restored(next.now);
  next.turn(31s);
  EXPECT_EQ(next.rooms.find_peer(peer), nullptr);
}

TEST_F(WhipSession, APeerThatWasNotToldOfItsSessionDoesNotStay) {
  const PeerId peer = server.rooms.connect("whip", "192.0.2.7");
  server.rooms.join(peer, RoomId("r"), {}, server.now, [](const JoinOutcome&, TimePoint) {});
  const std::string junk = "xx";
  ASSERT_TRUE(log.put("whip/junk", as_bytes(junk)));
  Server next(log);
  next.control_state.restore(next.now);
  next.sessions.restored(next.now);
  EXPECT_EQ(next.rooms.find_peer(peer), nullptr);
  EXPECT_FALSE(log.get("whip/junk"));
}

/// Refuses one address, and all messages when it is told to.
class Guard final : public MessageGuard {
 public:
  std::optional<std::string> refuse_connection(std::string_view ip, TimePoint) override {
    if (ip == banned) return "This address is banned";
    return std::nullopt;
  }
  GuardVerdict check(const PeerId&, const GuardedMessage& message, TimePoint) override {
    EXPECT_EQ(message.request, ClientRequest::sdp);
    return verdict;
  }
  std::string banned;
  GuardVerdict verdict = GuardVerdict::pass;
};

TEST_F(WhipSession, TheGuardRefusesAddressesAndChanges) {
  Guard guard;
  server.sessions.set_guard(guard);
  const HttpResponse created = server.post("/whip/r", publishing());
  EXPECT_EQ(created.status, 201);
  const std::string url = Server::header(created, "location");
  EXPECT_EQ(server.patch(url, "*", "a=end-of-candidates").status, 204);
  guard.verdict = GuardVerdict::drop;
  EXPECT_EQ(server.patch(url, "*", "a=end-of-candidates").status, 429);
  guard.banned = "192.0.2.7";
  const HttpResponse refused = server.post("/whip/r", publishing());
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("banned"), std::string::npos);
}

TEST_F(WhipSession, SessionsAreBounded) {
  WhipOptions options;
  options.sessions_max = 2;
  Server small(log, options);
  EXPECT_EQ(small.post("/whip/a", publishing()).status, 201);
  EXPECT_EQ(small.post("/whip/b", publishing()).status, 201);
  EXPECT_EQ(small.post("/whip/c", publishing()).status, 503);
}

}  // namespace
}  // namespace sluice::testing_whip
