#include <set>

#include "control/media/room_move.hpp"
#include "tests/control/media/control_side.hpp"
#include "tests/control/media/offer_text.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using workers::FarSide;
using workers::LogRegion;
using workers::TransportPlace;

const RoomId room("room");
const PeerId alice("alice");
const PeerId bob("bob");

class MediaMove : public testing::Test {
 protected:
  MediaMove() {
    for (std::uint16_t i = 0; i < 3; ++i) far.push_back(std::make_unique<FarSide>(i));
    start();
    join(alice);
    join(bob);
    control->bus.publish(PublicationStarted{room, alice, ProducerId("cam"), PublicationKind::video, "cam", {}, {}, {}});
    (void)offer(alice, OfferText("alice").sends_video("0", {}));
    control->bus.publish(
        SubscriptionStarted{room, ConsumerId("c"), ProducerId("cam"), bob, alice, PublicationKind::video, "cam", "", {}});
    (void)offer(bob, OfferText("bob").certificate(2).receives_video("0"));
    rest();
    for (auto& side : far) build(*side);
    rest();
  }
  void start() {
    control.reset();
    std::vector<FarSide*> sides;
    for (auto& side : far) sides.push_back(side.get());
    control.emplace(region, sides, entropy);
  }
  void join(const PeerId& peer) { control->bus.publish(PeerJoined{{peer, room, PeerState::joined, {}}, room}); }
  std::string offer(const PeerId& peer, const OfferText& text) {
    const auto answer = control->media->handle_offer(peer, text.text(), now);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
    return answer ? answer->sdp : "";
  }
  void turn() {
    now += 1ms;
    control->workers.poll(now);
    for (auto& side : far) side->take();
    control->media->handle_timeout(now);
  }
  void rest(int turns = 30) {
    for (int i = 0; i < turns; ++i) turn();
  }
  /// Live rows as the worker itself would write them, for all that it has.
  void build(FarSide& side, schema::TransportState state = schema::TransportState::connected) {
    for (const TransportId id : control->workers.rows(side.info().id).transports) {
      TransportRow row;
      row.id = id.packed();
      row.state = state;
      side.shared().live.transports.write(row);
      side.transport_changed(id, state);
    }
  }
  [[nodiscard]] std::vector<TransportId> transports(std::uint16_t worker) const {
    return control->workers.rows(WorkerId{worker}).transports;
  }
  [[nodiscard]] std::size_t departures(std::uint16_t worker) const {
    return control->workers.departures(WorkerId{worker}).size();
  }
  std::optional<Media::MoveError> move(std::uint16_t to) {
    const auto moved = control->media->move_room(room, WorkerId{to});
    return moved ? std::nullopt : std::optional(moved.error());
  }
  void move_whole(std::uint16_t to) {
    ASSERT_FALSE(move(to));
    rest();
    build(*far[to]);
    rest(1200);
    ASSERT_FALSE(control->media->is_moving(room));
  }
  void expect_wanted_is_told() {
    for (std::uint16_t i = 0; i < 3; ++i) {
      const workers::WorkerRows rows = without_departures(far[i]->rows);
      EXPECT_EQ(rows, workers::desired_rows(control->workers, WorkerId{i})) << i;
    }
  }
  static workers::WorkerRows without_departures(workers::WorkerRows rows) {
    std::erase_if(rows, [](const auto& entry) { return entry.first.first == 'd'; });
    return rows;
  }

  std::vector<std::unique_ptr<FarSide>> far;
  LogRegion region;
  test::SeededEntropy entropy;
  TimePoint now{10s};
  std::optional<ControlSide> control;
};

TEST_F(MediaMove, FirstTheNewWorkerIsPreparedThenTheOldOneHandsOver) {
  ASSERT_EQ(transports(0).size(), 2U);
  const auto before = transports(0);
  const auto subscription = *control->workers.subscription(WorkerId{0}, control->workers.rows(WorkerId{0}).subscriptions[0]);
  ASSERT_FALSE(move(1));
  EXPECT_EQ(control->workers.worker_of(room.value), WorkerId{1});
  ASSERT_EQ(transports(1).size(), 2U);
  for (const TransportId id : transports(1)) {
    const auto* spec = control->workers.transport(WorkerId{1}, id);
    ASSERT_TRUE(spec->from && spec->home);
    EXPECT_EQ(spec->from->worker, WorkerId{0});
    EXPECT_EQ(spec->from, spec->home);
  }
  const auto moved = *control->workers.subscription(WorkerId{1}, control->workers.rows(WorkerId{1}).subscriptions[0]);
  EXPECT_EQ(moved.ssrc, subscription.ssrc);
  EXPECT_EQ(moved.publication, control->workers.rows(WorkerId{1}).publications[0]);
  // Nothing leaves before the new worker has committed.
  control->media->handle_timeout(now);
  EXPECT_EQ(transports(0), before);
  EXPECT_EQ(move(2), Media::MoveError::moving);
  rest();
  EXPECT_TRUE(transports(0).empty());
  EXPECT_EQ(departures(0), 2U);
  const auto row = far[0]->rows.find({'d', before[0].slot});
  ASSERT_NE(row, far[0]->rows.end());
  const auto departure = workers::decode_departure(row->second);
  ASSERT_TRUE(departure);
  EXPECT_EQ(departure->second.to.worker, WorkerId{1});
  EXPECT_EQ(departure->second.publications.size() + departure->second.subscriptions.size(), 1U);
  // They have arrived: who relays goes on, and nothing waits any more.
  build(*far[1]);
  rest(1200);
  EXPECT_FALSE(control->media->is_moving(room));
  EXPECT_EQ(departures(0), 2U);
  for (const TransportId id : transports(1)) EXPECT_FALSE(control->workers.transport(WorkerId{1}, id)->from);
  EXPECT_TRUE(control->closed.empty());
  expect_wanted_is_told();
}

TEST_F(MediaMove, OnAndBackNothingIsLeftOver) {
  move_whole(1);
  move_whole(2);
  EXPECT_EQ(departures(0), 2U);
  EXPECT_EQ(departures(1), 0U);
  for (const TransportId id : control->workers.departures(WorkerId{0})) {
    const auto row = far[0]->rows.find({'d', id.slot});
    ASSERT_NE(row, far[0]->rows.end());
    EXPECT_EQ(workers::decode_departure(row->second)->second.to.worker, WorkerId{2});
  }
  move_whole(0);
  for (std::uint16_t i = 0; i < 3; ++i) EXPECT_EQ(departures(i), 0U) << i;
  EXPECT_EQ(transports(0).size(), 2U);
  for (const TransportId id : transports(0)) EXPECT_FALSE(control->workers.transport(WorkerId{0}, id)->home);
  expect_wanted_is_told();
}

TEST_F(MediaMove, AnswersKeepTheAddressThatThePeerKnows) {
  const std::string before = offer(bob, OfferText("bob").certificate(2).receives_video("0"));
  EXPECT_NE(before.find("40000"), std::string::npos);
  move_whole(1);
  const std::string after = offer(bob, OfferText("bob").certificate(2).receives_video("0"));
  EXPECT_NE(after.find("40000"), std::string::npos);
  EXPECT_EQ(after.find("40001"), std::string::npos);
  // Another session begins at the room's present worker.
  const std::string anew = offer(bob, OfferText("bob2").certificate(3).origin(9).receives_video("0"));
  EXPECT_NE(anew.find("40001"), std::string::npos);
  EXPECT_EQ(departures(0), 1U);
}

TEST_F(MediaMove, WhoLeavesOnTheWayIsGoneFromBoth) {
  ASSERT_FALSE(move(1));
  control->bus.publish(PeerLeft{{bob, room, PeerState::closed, {}}, room, LeaveCause::left});
  rest();
  EXPECT_TRUE(transports(0).empty());
  build(*far[1]);
  rest(1200);
  EXPECT_EQ(transports(1).size(), 1U);
  EXPECT_EQ(departures(0), 1U);
  control->bus.publish(PeerLeft{{alice, room, PeerState::closed, {}}, room, LeaveCause::left});
  rest();
  for (std::uint16_t i = 0; i < 3; ++i) EXPECT_EQ(departures(i) + transports(i).size(), 0U) << i;
}

TEST_F(MediaMove, WithoutRecordsItBeginsAnewAfterAWhile) {
  ASSERT_FALSE(move(1));
  rest();
  EXPECT_TRUE(control->media->is_moving(room));
  rest(2100);
  for (const TransportId id : transports(1)) EXPECT_FALSE(control->workers.transport(WorkerId{1}, id)->from);
  EXPECT_EQ(std::set<std::string>(control->closed.begin(), control->closed.end()), (std::set<std::string>{"alice", "bob"}));
}

TEST_F(MediaMove, ADeathOfControlAtAnyTurnIsMadeUpFor) {
  for (int turns = 0; turns < 40; ++turns) {
    const auto to = static_cast<std::uint16_t>(1 + turns % 2);
    ASSERT_FALSE(move(to)) << turns;
    rest(turns % 8);
    start();
    rest();
    build(*far[to]);
    rest(1200);
    ASSERT_FALSE(control->media->is_moving(room)) << turns;
    ASSERT_EQ(transports(to).size(), 2U) << turns;
    EXPECT_EQ(transports(to == 1 ? 2 : 1).size() + transports(0).size(), 0U) << turns;
    EXPECT_EQ(departures(0), 2U);
    EXPECT_EQ(departures(1) + departures(2), 0U);
    EXPECT_EQ(control->workers.worker_of(room.value), WorkerId{to});
    expect_wanted_is_told();
    if (HasFailure()) return;
  }
}

TEST_F(MediaMove, WhatCannotBeIsRefused) {
  EXPECT_EQ(move(0), Media::MoveError::already_there);
  EXPECT_EQ(move(7), Media::MoveError::unknown_worker);
  const auto nobody = control->media->move_room(RoomId("nobody"), WorkerId{1});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error(), Media::MoveError::unknown_room);
}

TEST(RoomMove, ComesBackFromItsBytesAndFromNoOthers) {
  media::RoomMove move;
  move.from = WorkerId{1};
  move.to = WorkerId{2};
  move.stage = media::RoomMove::Stage::departing;
  move.peers.push_back({{1, 2}, {3, 4}, {{{5, 6}, {7, 8}}}, {{{9, 10}, {11, 12}}}, TransportPlace{WorkerId{0}, {13, 14}}});
  const auto bytes = media::encode(move);
  EXPECT_EQ(media::decode_move(bytes), move);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(media::decode_move(Bytes(bytes).first(size))) << size;
}

TEST_F(MediaMove, WhoIsMutedOnTheWayIsClosedAtBothWorkersAtOnce) {
  ASSERT_FALSE(move(1));
  ASSERT_EQ(control->workers.rows(WorkerId{0}).publications.size(), 1U) << "the old worker still forwards";
  Restrictions muted;
  muted.set(Restriction::muted, MediaDirection::send, true);
  control->bus.publish(PeerRestricted{alice, room, muted});
  Restrictions deaf;
  deaf.set(Restriction::policy, MediaDirection::receive, true);
  control->bus.publish(PeerRestricted{bob, room, deaf});
  for (const WorkerId worker : {WorkerId{0}, WorkerId{1}}) {
    const auto rows = control->workers.rows(worker);
    ASSERT_EQ(rows.publications.size(), 1U);
    EXPECT_FALSE(control->workers.publication(worker, rows.publications[0])->forward) << worker.value;
    ASSERT_EQ(rows.subscriptions.size(), 1U);
    EXPECT_FALSE(control->workers.subscription(worker, rows.subscriptions[0])->active) << worker.value;
  }
}

}  // namespace
}  // namespace sluice
