#include "control/media/media.hpp"

#include <random>

#include "control/rooms/facts.hpp"
#include "control/sdp/parser.hpp"
#include "tests/control/media/control_side.hpp"
#include "tests/control/media/offer_text.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using workers::FarSide;
using workers::LogRegion;

constexpr WorkerId w0{0};
const RoomId room("room");
const PeerId alice("alice");
const PeerId bob("bob");

class MediaTest : public testing::Test {
 protected:
  MediaTest() { start(); }
  void start() {
    control.reset();
    control.emplace(region, std::vector{&far}, entropy);
  }
  void join(const PeerId& peer) { control->bus.publish(PeerJoined{{peer, room, PeerState::joined, {}}, room}); }
  void leave(const PeerId& peer) {
    control->bus.publish(PeerLeft{{peer, room, PeerState::closed, {}}, room, LeaveCause::left});
  }
  void publish(const PeerId& peer, const std::string& id, PublicationKind kind, std::optional<std::string> mid = {},
               std::vector<std::uint32_t> ssrcs = {}, std::vector<std::string> layers = {}) {
    control->bus.publish(
        PublicationStarted{room, peer, ProducerId(id), kind, id, std::move(layers), std::move(mid), std::move(ssrcs)});
  }
  void unpublish(const PeerId& peer, const std::string& id) {
    control->bus.publish(PublicationEnded{room, peer, ProducerId(id), PublicationKind::video});
  }
  void subscribe(const PeerId& peer, const std::string& id, const std::string& producer, PublicationKind kind,
                 std::optional<std::uint8_t> layer = {}) {
    control->bus.publish(
        SubscriptionStarted{room, ConsumerId(id), ProducerId(producer), peer, alice, kind, producer, "", layer});
  }
  void unsubscribe(const PeerId& peer, const std::string& id) {
    control->bus.publish(SubscriptionEnded{room, ConsumerId(id), ProducerId(""), peer, SubscriptionEndReason::unsubscribed});
  }
  Media::Answer offer(const PeerId& peer, const OfferText& text) {
    auto answer = control->media->handle_offer(peer, text.text(), now);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
    return answer ? *answer : Media::Answer{};
  }
  std::string refused(const PeerId& peer, const std::string& text) {
    const auto answer = control->media->handle_offer(peer, text, now);
    EXPECT_FALSE(answer);
    return answer ? "" : answer.error().code;
  }
  std::optional<std::string> mid_of(const std::string& consumer) const {
    return control->media->mid_of_consumer(ConsumerId(consumer));
  }
  void run() { workers::run(control->workers, far, now); }

  std::vector<std::pair<PublicationId, workers::PublicationSpec>> publications() const {
    std::vector<std::pair<PublicationId, workers::PublicationSpec>> result;
    for (const PublicationId id : control->workers.rows(w0).publications)
      result.emplace_back(id, *control->workers.publication(w0, id));
    return result;
  }
  std::vector<workers::SubscriptionSpec> subscriptions() const {
    std::vector<workers::SubscriptionSpec> result;
    for (const SubscriptionId id : control->workers.rows(w0).subscriptions)
      result.push_back(*control->workers.subscription(w0, id));
    return result;
  }
  workers::SubscriptionSpec subscription_on(const std::string& mid) const {
    for (const auto& spec : subscriptions())
      if (spec.mid == mid) return spec;
    ADD_FAILURE() << "no subscription on mid " << mid;
    return {};
  }

  LogRegion region;
  FarSide far;
  test::SeededEntropy entropy;
  std::optional<ControlSide> control;
  TimePoint now{1s};
};

OfferText publisher() {
  return OfferText("pa").sends_audio("0").sends_video("1", {"q", "h", "f"});
}
OfferText receiver() {
  return OfferText("pb").receives_audio("0").receives_video("1");
}

TEST_F(MediaTest, JoinsAPublisherAndASubscriberInTheUsualOrder) {
  join(alice);
  join(bob);
  offer(alice, publisher());
  EXPECT_TRUE(publications().empty()) << "an m-line that was never published is programmed";
  publish(alice, "cam", PublicationKind::video, "1", {}, {"low", "mid", "high"});
  ASSERT_EQ(publications().size(), 1U);
  EXPECT_EQ(publications()[0].second.mid, "1");
  EXPECT_TRUE(publications()[0].second.forward);
  EXPECT_EQ(publications()[0].second.rids, (std::vector<std::string>{"q", "h", "f"}));
  subscribe(bob, "c1", "cam", PublicationKind::video);
  EXPECT_FALSE(mid_of("c1"));
  const Media::Answer answer = offer(bob, receiver());
  ASSERT_EQ(answer.ready.size(), 1U);
  EXPECT_EQ(answer.ready[0].second, "1");
  EXPECT_EQ(mid_of("c1"), "1");
  EXPECT_EQ(control->ready, (std::vector<std::pair<std::string, std::string>>{{"c1", "1"}}));
  const auto spec = subscription_on("1");
  EXPECT_EQ(spec.publication, publications()[0].first);
  EXPECT_TRUE(spec.active);
  EXPECT_EQ(spec.max_layer, workers::SubscriptionSpec::every_layer);
  EXPECT_THAT(answer.sdp, testing::HasSubstr("a=ssrc-group:FID " + std::to_string(spec.ssrc.value) + " " +
                                             std::to_string(spec.rtx_ssrc.value)));
  EXPECT_THAT(answer.sdp, testing::HasSubstr("a=msid:alice sluice-1"));
  run();
  EXPECT_EQ(far.rows, workers::desired_rows(control->workers, w0));
}

TEST_F(MediaTest, PublishesBeforeTheOffer) {
  join(alice);
  publish(alice, "mic", PublicationKind::audio);
  publish(alice, "cam", PublicationKind::video, "1");
  publish(alice, "chat", PublicationKind::data);
  EXPECT_TRUE(publications().empty());
  offer(alice, publisher());
  EXPECT_EQ(publications().size(), 2U);
}

TEST_F(MediaTest, SubscribesBeforeThereIsAnythingToReceive) {
  join(alice);
  join(bob);
  publish(alice, "cam", PublicationKind::video);
  subscribe(bob, "c1", "cam", PublicationKind::video);
  offer(bob, receiver());
  EXPECT_EQ(mid_of("c1"), "1");
  EXPECT_FALSE(subscription_on("1").publication.valid());
  offer(alice, publisher());
  EXPECT_EQ(subscription_on("1").publication, publications().at(0).first);
}

TEST_F(MediaTest, BindsBySsrcAndThenByOrder) {
  join(alice);
  publish(alice, "second", PublicationKind::video, {}, {3000});
  publish(alice, "any", PublicationKind::video);
  publish(alice, "named", PublicationKind::video, "2");
  offer(alice, OfferText("p").sends_video("0", {}, 1000).sends_video("1", {}, 3000).sends_video("2", {}, 5000));
  ASSERT_EQ(control->media->stats().publications, 3U);
  unpublish(alice, "second");
  ASSERT_EQ(publications().size(), 2U);
  for (const auto& [id, spec] : publications()) EXPECT_NE(spec.mid, "1");
  EXPECT_EQ(publications()[0].second.ssrcs.size(), 1U);
}

TEST_F(MediaTest, WaitsForAnOfferWithOneMoreLineAndReusesFreedOnes) {
  join(alice);
  join(bob);
  offer(alice, publisher());
  publish(alice, "cam", PublicationKind::video);
  offer(bob, receiver());
  subscribe(bob, "c1", "cam", PublicationKind::video);
  subscribe(bob, "c2", "cam", PublicationKind::video);
  EXPECT_EQ(mid_of("c1"), "1");
  EXPECT_FALSE(mid_of("c2"));
  EXPECT_EQ(control->media->stats().subscriptions_waiting, 1U);
  const auto first = subscription_on("1");
  offer(bob, receiver().receives_video("2"));
  EXPECT_EQ(mid_of("c2"), "2");
  EXPECT_EQ(subscription_on("1"), first) << "renegotiation touched another line";
  EXPECT_NE(subscription_on("2").ssrc, first.ssrc);
  unsubscribe(bob, "c1");
  EXPECT_FALSE(subscription_on("1").active);
  subscribe(bob, "c3", "cam", PublicationKind::video);
  EXPECT_EQ(mid_of("c3"), "1");
  EXPECT_EQ(subscription_on("1").ssrc, first.ssrc) << "an m-line keeps its SSRC for life";
}

TEST_F(MediaTest, TheLowerOfManualAndAutomaticCeilingReachesTheWorker) {
  join(alice);
  join(bob);
  offer(alice, publisher());
  offer(bob, receiver());
  publish(alice, "cam", PublicationKind::video, {}, {}, {"low", "mid", "high"});
  subscribe(bob, "c1", "cam", PublicationKind::video, 2);
  const auto automatic = [&](std::optional<std::uint8_t> layer) {
    control->bus.publish(SubscriptionLayerTargeted{room, ConsumerId("c1"), bob, layer});
    return subscription_on("1").max_layer;
  };
  const auto manual = [&](std::uint8_t layer) {
    control->bus.publish(SubscriptionLayerSelected{room, ConsumerId("c1"), bob, layer, ""});
    return subscription_on("1").max_layer;
  };
  EXPECT_EQ(automatic(0), 0);
  EXPECT_EQ(manual(1), 0);
  EXPECT_EQ(automatic(2), 1);
  EXPECT_EQ(manual(0), 0);
  EXPECT_EQ(manual(2), workers::SubscriptionSpec::every_layer);
  EXPECT_EQ(automatic(1), 1);
  EXPECT_EQ(automatic(std::nullopt), workers::SubscriptionSpec::every_layer);
}

TEST_F(MediaTest, PausesAndLimitsLayers) {
  join(alice);
  join(bob);
  offer(alice, publisher());
  offer(bob, receiver());
  publish(alice, "cam", PublicationKind::video, {}, {}, {"f", "h", "q"});
  subscribe(bob, "c1", "cam", PublicationKind::video, 2);
  EXPECT_EQ(publications()[0].second.rids, (std::vector<std::string>{"f", "h", "q"}))
      << "names that are rids give the order";
  EXPECT_EQ(subscription_on("1").max_layer, workers::SubscriptionSpec::every_layer);
  control->bus.publish(SubscriptionLayerSelected{room, ConsumerId("c1"), bob, 1, "h"});
  EXPECT_EQ(subscription_on("1").max_layer, 1);
  control->bus.publish(SubscriptionPaused{room, ConsumerId("c1"), bob});
  EXPECT_FALSE(subscription_on("1").active);
  control->bus.publish(SubscriptionResumed{room, ConsumerId("c1"), bob});
  EXPECT_TRUE(subscription_on("1").active);
  control->bus.publish(PublicationPaused{room, alice, ProducerId("cam")});
  EXPECT_FALSE(publications()[0].second.forward);
  control->bus.publish(PublicationResumed{room, alice, ProducerId("cam")});
  EXPECT_TRUE(publications()[0].second.forward);
}

TEST_F(MediaTest, TellsWhatTheWorkerTells) {
  join(alice);
  join(bob);
  offer(alice, publisher());
  offer(bob, receiver());
  publish(alice, "cam", PublicationKind::video, {}, {}, {"low", "mid", "high"});
  subscribe(bob, "c1", "cam", PublicationKind::video);
  const auto rows = control->workers.rows(w0);
  far.transport_changed(rows.transports[1], schema::TransportState::connected);
  for (const SubscriptionId id : rows.subscriptions)
    if (control->workers.subscription(w0, id)->mid == "1") far.subscription_changed(id, 2);
  far.transport_changed(rows.transports[0], schema::TransportState::failed, schema::FailureReason::dtls_failed);
  run();
  EXPECT_EQ(control->connected, (std::vector<std::string>{"bob"}));
  EXPECT_EQ(control->closed, (std::vector<std::string>{"alice"}));
  EXPECT_EQ(control->layers, (std::vector<std::pair<std::string, std::string>>{{"c1", "high"}}));
  EXPECT_EQ(control->media->stats().transports_connected, 1U);
}

TEST_F(MediaTest, KeepsTheTransportOverReoffersAndIceRestarts) {
  join(alice);
  offer(alice, publisher());
  const auto id = control->workers.rows(w0).transports.at(0);
  const auto before = *control->workers.transport(w0, id);
  offer(alice, publisher());
  EXPECT_EQ(*control->workers.transport(w0, id), before);
  offer(alice, publisher().ufrag("restarted"));
  ASSERT_NE(control->workers.transport(w0, id), nullptr) << "an ICE restart made a new transport";
  EXPECT_NE(control->workers.transport(w0, id)->local_ufrag, before.local_ufrag);
  EXPECT_EQ(control->workers.transport(w0, id)->remote_ufrag, "restarted");
}

TEST_F(MediaTest, RestartsIceWithoutAnOffer) {
  EXPECT_FALSE(control->media->restart_ice(alice, "abcd", "0123456789012345678901"));
  join(alice);
  EXPECT_FALSE(control->media->ice_session(alice));
  EXPECT_FALSE(control->media->restart_ice(alice, "abcd", "0123456789012345678901")) << "nothing was offered yet";
  offer(alice, publisher());
  const auto id = control->workers.rows(w0).transports.at(0);
  const auto before = *control->media->ice_session(alice);
  EXPECT_EQ(before.ufrag, control->workers.transport(w0, id)->local_ufrag);
  EXPECT_FALSE(before.candidates.empty());
  EXPECT_FALSE(before.mid.empty());
  const auto restarted = control->media->restart_ice(alice, "abcd", "0123456789012345678901");
  ASSERT_TRUE(restarted);
  EXPECT_NE(restarted->ufrag, before.ufrag);
  EXPECT_EQ(control->workers.transport(w0, id)->local_ufrag, restarted->ufrag);
  EXPECT_EQ(control->workers.transport(w0, id)->local_pwd, restarted->pwd);
  EXPECT_EQ(control->workers.transport(w0, id)->remote_ufrag, "abcd");
  const auto again = control->media->restart_ice(alice, "abcd", "0123456789012345678901");
  EXPECT_EQ(again->ufrag, restarted->ufrag) << "the same credentials are the same session";
}

TEST_F(MediaTest, MovesEverythingToANewPeerConnection) {
  join(alice);
  join(bob);
  offer(alice, publisher());
  offer(bob, receiver());
  publish(alice, "cam", PublicationKind::video, "1");
  publish(alice, "mic", PublicationKind::audio, "0");
  subscribe(bob, "c1", "cam", PublicationKind::video);
  subscribe(bob, "c2", "mic", PublicationKind::audio);
  const auto old = control->workers.rows(w0).transports;
  const auto old_ssrc = subscription_on("1").ssrc;
  control->bus.publish(PeerSuspended{alice, room, now + 15s});
  EXPECT_EQ(publications().size(), 2U);
  // Alice's new connection has its lines the other way round; Bob's comes with other mids.
  offer(alice, OfferText("new").certificate(9).sends_video("0", {"q", "h", "f"}).sends_audio("1"));
  EXPECT_EQ(control->workers.transport(w0, old[0]), nullptr);
  ASSERT_EQ(publications().size(), 2U);
  EXPECT_TRUE(subscription_on("1").publication.valid());
  EXPECT_EQ(subscription_on("1").ssrc, old_ssrc) << "the receiver's m-line knows nothing of it";
  control->ready.clear();
  const auto answer = offer(bob, OfferText("newb").certificate(8).receives_video("a").receives_audio("b"));
  EXPECT_EQ(answer.ready.size(), 2U);
  EXPECT_EQ(mid_of("c1"), "a");
  EXPECT_NE(subscription_on("a").ssrc, old_ssrc);
  EXPECT_TRUE(subscription_on("b").publication.valid());
  run();
  EXPECT_EQ(far.rows, workers::desired_rows(control->workers, w0));
}

TEST_F(MediaTest, KnowsANewPeerConnectionThatSharesTheCertificate) {
  join(alice);
  offer(alice, OfferText("a").origin(1).sends_video("0", {}, 1000));
  const auto first = control->workers.rows(w0).transports.at(0);
  // werift: each offer has another o= line. The same SSRC: an ICE restart. Another: another connection.
  offer(alice, OfferText("b").origin(2).sends_video("0", {}, 1000));
  EXPECT_EQ(control->workers.rows(w0).transports.at(0), first);
  offer(alice, OfferText("c").origin(3).sends_video("0", {}, 2000));
  EXPECT_NE(control->workers.rows(w0).transports.at(0), first);
}

TEST_F(MediaTest, StartsAnewAfterDtlsIsOver) {
  join(alice);
  offer(alice, publisher());
  const auto first = control->workers.rows(w0).transports.at(0);
  far.transport_changed(first, schema::TransportState::closed, schema::FailureReason::dtls_closed);
  run();
  offer(alice, publisher());
  EXPECT_NE(control->workers.rows(w0).transports.at(0), first);
}

TEST_F(MediaTest, TellsOfAQuarantineAndRefusesFurtherOffersOfThatPeer) {
  std::vector<std::string> alerts;
  control->heard.push_back(
      control->bus.subscribe<MediaQuarantined>([&](const MediaQuarantined& f) { alerts.push_back(f.peer.value); }));
  join(alice);
  offer(alice, publisher());
  far.transport_changed(control->workers.rows(w0).transports.at(0), schema::TransportState::closed,
                        schema::FailureReason::quarantined);
  run();
  EXPECT_EQ(alerts, std::vector<std::string>{"alice"});
  EXPECT_EQ(control->closed, std::vector<std::string>{"alice"});
  const auto again = control->media->handle_offer(alice, publisher().text(), now);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "SFU_TRANSPORT_CLOSED");
  leave(alice);
  join(alice);
  EXPECT_TRUE(control->media->handle_offer(alice, publisher().text(), now));
}

TEST_F(MediaTest, NeverGivesAnSsrcTwiceToARecycledLine) {
  join(bob);
  offer(bob, receiver());
  const auto old = subscription_on("1");
  offer(bob, OfferText("pb").receives_audio("0").stopped_video("1"));
  EXPECT_FALSE(subscription_on("1").active);
  offer(bob, OfferText("pb").receives_audio("0").receives_video("9"));
  EXPECT_NE(subscription_on("9").ssrc, old.ssrc);
  EXPECT_EQ(subscriptions().size(), 2U);
}

TEST_F(MediaTest, UnbindsALineThatIsNotSentOnAnyMore) {
  join(alice);
  offer(alice, publisher());
  publish(alice, "cam", PublicationKind::video, "1");
  offer(alice, OfferText("pa").sends_audio("0").receives_video("1"));
  EXPECT_TRUE(publications().empty());
  offer(alice, publisher());
  EXPECT_EQ(publications().size(), 1U);
}

TEST_F(MediaTest, CarriesBothWaysOnSendrecv) {
  join(alice);
  join(bob);
  offer(alice, publisher());
  publish(alice, "cam", PublicationKind::video);
  offer(bob, OfferText("pb").both_video("0"));
  publish(bob, "bobcam", PublicationKind::video);
  subscribe(bob, "c1", "cam", PublicationKind::video);
  EXPECT_EQ(mid_of("c1"), "0");
  EXPECT_EQ(publications().size(), 2U);
}

TEST_F(MediaTest, ForgetsWhoLeaves) {
  join(alice);
  join(bob);
  offer(alice, publisher());
  offer(bob, receiver());
  publish(alice, "cam", PublicationKind::video);
  subscribe(bob, "c1", "cam", PublicationKind::video);
  leave(alice);
  EXPECT_TRUE(publications().empty());
  EXPECT_FALSE(subscription_on("1").publication.valid());
  control->bus.publish(
      SubscriptionEnded{room, ConsumerId("c1"), ProducerId("cam"), bob, SubscriptionEndReason::publication_ended});
  unpublish(alice, "cam");
  leave(bob);
  control->bus.publish(RoomDestroyed{room});
  const auto rows = control->workers.rows(w0);
  EXPECT_TRUE(rows.transports.empty() && rows.publications.empty() && rows.subscriptions.empty());
  std::size_t left = 0;
  control->log.for_each("media/", [&](std::string_view, Bytes) { ++left; });
  control->log.for_each("workers/room/", [&](std::string_view, Bytes) { ++left; });
  EXPECT_EQ(left, 0U);
}

TEST_F(MediaTest, RefusesWhatItCannotCarryAndChangesNothing) {
  EXPECT_EQ(refused(alice, publisher().text()), "SFU_TRANSPORT_CLOSED");
  join(alice);
  EXPECT_EQ(refused(alice, "garbage"), "SFU_OFFER_INVALID");
  EXPECT_EQ(refused(alice, sdp::replaced(publisher().text(), "a=ice-pwd", "a=x")), "SFU_OFFER_INVALID");
  EXPECT_TRUE(control->workers.rows(w0).transports.empty());
  offer(alice, publisher());
  run();
  const auto before = far.rows;
  EXPECT_EQ(refused(alice, OfferText("pa").sends_audio("0").text()), "SFU_OFFER_INVALID") << "an m-line vanished";
  EXPECT_EQ(refused(alice, OfferText("pa").sends_audio("0").sends_video("other", {}).text()), "SFU_OFFER_INVALID")
      << "a line in use got another mid";
  EXPECT_EQ(refused(alice, OfferText("pa").sends_audio("0").sends_audio("1").text()), "SFU_OFFER_INVALID")
      << "video became audio";
  EXPECT_EQ(refused(alice, ""), "SFU_OFFER_INVALID");
  run();
  EXPECT_EQ(far.rows, before);
  EXPECT_EQ(far.rows, workers::desired_rows(control->workers, w0));
}

TEST_F(MediaTest, RejectsAllLinesOfAnOfferWithNothingForUs) {
  join(alice);
  const auto answer = offer(alice, OfferText("pa").data("0"));
  EXPECT_THAT(answer.sdp, testing::HasSubstr("m=application 0 "));
  EXPECT_TRUE(control->workers.rows(w0).transports.empty());
}

TEST_F(MediaTest, SaysWhenThereIsNoRoomOnTheWorker) {
  join(alice);
  for (std::uint32_t i = 0; i < SegmentCapacity::transports; ++i) ASSERT_TRUE(control->workers.add_transport(w0, {}));
  EXPECT_EQ(refused(alice, publisher().text()), "SFU_UNAVAILABLE");
}

TEST_F(MediaTest, GoesOnAfterARestartAsIfNothingHadHappened) {
  join(alice);
  join(bob);
  publish(alice, "mic", PublicationKind::audio);
  offer(alice, publisher());
  publish(alice, "cam", PublicationKind::video, {}, {}, {"low", "mid", "high"});
  offer(bob, receiver());
  subscribe(bob, "c1", "cam", PublicationKind::video);
  subscribe(bob, "waiting", "cam", PublicationKind::video);
  control->bus.publish(SubscriptionLayerSelected{room, ConsumerId("c1"), bob, 1, "mid"});
  control->bus.publish(PublicationPaused{room, alice, ProducerId("mic")});
  run();
  const auto rows = far.rows;
  const int changes = far.changes;
  start();
  run();
  EXPECT_EQ(far.rows, rows);
  EXPECT_EQ(far.changes, changes) << "the restart disturbed the worker";
  EXPECT_EQ(mid_of("c1"), "1");
  const auto before = subscription_on("1");
  offer(bob, receiver().receives_video("2"));
  EXPECT_EQ(mid_of("waiting"), "2");
  EXPECT_EQ(subscription_on("1"), before);
  control->bus.publish(PublicationResumed{room, alice, ProducerId("mic")});
  unsubscribe(bob, "c1");
  run();
  EXPECT_EQ(far.rows, workers::desired_rows(control->workers, w0));
  control->media->keep_only({[](const PeerId& id) { return id == alice; }, [](const ProducerId&) { return true; },
                             [](const ConsumerId&) { return false; }});
  EXPECT_EQ(control->workers.rows(w0).transports.size(), 1U);
  EXPECT_EQ(control->media->stats().subscriptions_waiting, 0U);
}

TEST_F(MediaTest, DropsRowsThatADeadPredecessorLeftBehind) {
  join(alice);
  offer(alice, publisher());
  (void)control->workers.add_transport(w0, {});
  start();
  EXPECT_EQ(control->workers.rows(w0).transports.size(), 1U);
}

Restrictions restricted(MediaDirection direction, Restriction why = Restriction::muted) {
  Restrictions restrictions;
  restrictions.set(why, direction, true);
  return restrictions;
}

TEST_F(MediaTest, NothingOfARestrictedMemberIsForwardedWhateverItDoes) {
  join(alice);
  offer(alice, publisher());
  publish(alice, "cam", PublicationKind::video, "1");
  ASSERT_TRUE(publications().at(0).second.forward);
  control->bus.publish(PeerRestricted{alice, room, restricted(MediaDirection::send)});
  EXPECT_FALSE(publications().at(0).second.forward);
  publish(alice, "mic", PublicationKind::audio, "0");
  for (const auto& [id, spec] : publications()) EXPECT_FALSE(spec.forward) << "published later";
  control->bus.publish(PublicationPaused{room, alice, ProducerId("cam")});
  control->bus.publish(PublicationResumed{room, alice, ProducerId("cam")});
  for (const auto& [id, spec] : publications()) EXPECT_FALSE(spec.forward) << "resumed by itself";
  offer(alice, OfferText("other").certificate(9).sends_audio("0").sends_video("1", {"q", "h", "f"}));
  ASSERT_EQ(publications().size(), 2U);
  for (const auto& [id, spec] : publications()) EXPECT_FALSE(spec.forward) << "in a session of its own making";
  start();
  for (const auto& [id, spec] : publications()) EXPECT_FALSE(spec.forward) << "after a restart of control";
  control->bus.publish(PeerRestricted{alice, room, Restrictions{}});
  for (const auto& [id, spec] : publications()) EXPECT_TRUE(spec.forward);
}

TEST_F(MediaTest, WhoMayNotReceiveHasNoActiveSubscription) {
  join(alice);
  join(bob);
  offer(alice, publisher());
  publish(alice, "cam", PublicationKind::video, "1");
  offer(bob, receiver());
  subscribe(bob, "c1", "cam", PublicationKind::video);
  ASSERT_TRUE(subscription_on("1").active);
  control->bus.publish(PeerRestricted{bob, room, restricted(MediaDirection::receive, Restriction::policy)});
  EXPECT_FALSE(subscription_on("1").active);
  control->bus.publish(SubscriptionPaused{room, ConsumerId("c1"), bob});
  control->bus.publish(SubscriptionResumed{room, ConsumerId("c1"), bob});
  EXPECT_FALSE(subscription_on("1").active);
  EXPECT_TRUE(publications().at(0).second.forward);
  control->bus.publish(PeerRestricted{bob, room, Restrictions{}});
  EXPECT_TRUE(subscription_on("1").active);
}

TEST_F(MediaTest, TheCoresWordOnRestrictionsCountsAfterADeathBetweenTwoRecords) {
  join(alice);
  offer(alice, publisher());
  publish(alice, "cam", PublicationKind::video, "1");
  start();
  const auto all = [](const auto&) { return true; };
  control->media->keep_only({all, all, all, [](const PeerId&) { return restricted(MediaDirection::send); }});
  EXPECT_FALSE(publications().at(0).second.forward);
}

TEST_F(MediaTest, EveryDecisionReachesTheWorkerWithItsEpoch) {
  join(alice);
  offer(alice, publisher());
  publish(alice, "cam", PublicationKind::video, "1");
  EXPECT_EQ(publications().at(0).second.policy_epoch, 1U);
  Restrictions restrictions = restricted(MediaDirection::send);
  control->bus.publish(PeerRestricted{alice, room, restrictions});
  EXPECT_EQ(publications().at(0).second.policy_epoch, 2U);
  restrictions.set(Restriction::consent, MediaDirection::send, true);  // closed twice: nothing flows more or less
  control->bus.publish(PeerRestricted{alice, room, restrictions});
  EXPECT_EQ(publications().at(0).second.policy_epoch, 3U);
  start();
  EXPECT_EQ(publications().at(0).second.policy_epoch, 3U);
}

}  // namespace
}  // namespace sluice
