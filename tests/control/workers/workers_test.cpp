#include "control/workers/workers.hpp"

#include <random>

#include "tests/control/workers/far_side.hpp"

namespace sluice::workers {
namespace {

using namespace std::chrono_literals;

constexpr WorkerId w0{0};

TransportSpec transport_spec(std::uint32_t n) {
  TransportSpec spec;
  spec.local_ufrag = "local" + std::to_string(n);
  spec.local_pwd = "passwordpasswordpassword";
  spec.remote_ufrag = "remote";
  spec.fingerprint.fill(static_cast<std::uint8_t>(n));
  spec.extensions.mid = 4;
  return spec;
}

PublicationSpec publication_spec(TransportId transport, bool forward = true) {
  PublicationSpec spec;
  spec.transport = transport;
  spec.kind = MediaKind::video;
  spec.mid = "1";
  spec.codecs = {{Codec::vp8, 96, 97, 90000, true, true, true}};
  spec.rids = {"q", "h", "f"};
  spec.forward = forward;
  return spec;
}

SubscriptionSpec subscription_spec(TransportId transport, PublicationId publication, std::uint32_t ssrc) {
  SubscriptionSpec spec;
  spec.transport = transport;
  spec.kind = MediaKind::video;
  spec.mid = "2";
  spec.codecs = {{Codec::vp8, 96, 97, 90000, true, true, true}};
  spec.ssrc = Ssrc{ssrc};
  spec.rtx_ssrc = Ssrc{ssrc + 1};
  spec.publication = publication;
  spec.active = true;
  return spec;
}

class Ears final : public MediaPlaneListener {
 public:
  void on_transport_changed(WorkerId, TransportId id, TransportPhase phase, TransportFailure failure) override {
    transports.emplace_back(id, phase, failure);
  }
  void on_publication_changed(WorkerId, PublicationId id, std::uint8_t layers) override {
    publications.emplace_back(id, layers);
  }
  void on_subscription_changed(WorkerId, SubscriptionId id, std::optional<std::uint8_t> layer) override {
    subscriptions.emplace_back(id, layer);
  }
  std::vector<std::tuple<TransportId, TransportPhase, TransportFailure>> transports;
  std::vector<std::pair<PublicationId, std::uint8_t>> publications;
  std::vector<std::pair<SubscriptionId, std::optional<std::uint8_t>>> subscriptions;
};

class WorkersTest : public testing::Test {
 protected:
  WorkersTest() { workers.attach(far.info(), far.channel()); }
  LogRegion region;
  StateLog log = region.open();
  FarSide far;
  Workers workers{log};
  TimePoint now{1s};
};

TEST_F(WorkersTest, BeginWithASnapshotAndGoOnWithChanges) {
  run(workers, far, now);
  ASSERT_EQ(far.begins.size(), 1U);
  EXPECT_TRUE(far.begins[0].second);
  const auto t = workers.add_transport(w0, transport_spec(1));
  const auto p = workers.add_publication(w0, publication_spec(*t));
  const auto s = workers.add_subscription(w0, subscription_spec(*t, *p, 10));
  ASSERT_TRUE(t && p && s);
  run(workers, far, now);
  EXPECT_EQ(far.begins.size(), 2U);
  EXPECT_FALSE(far.begins.back().second);
  EXPECT_EQ(far.rows, desired_rows(workers, w0));
  EXPECT_EQ(far.rows.size(), 3U);
  EXPECT_TRUE(workers.update_transport(w0, *t, transport_spec(1)));
  run(workers, far, now);
  EXPECT_EQ(far.begins.size(), 2U) << "an equal spec was sent";
}

TEST_F(WorkersTest, KeepReferencesSoundAndIdsUnique) {
  const auto a = workers.add_transport(w0, transport_spec(1));
  const auto b = workers.add_transport(w0, transport_spec(2));
  const auto p = workers.add_publication(w0, publication_spec(*a));
  const auto s = workers.add_subscription(w0, subscription_spec(*b, *p, 10));
  EXPECT_FALSE(workers.update_publication(w0, *p, publication_spec(*b)));
  EXPECT_TRUE(workers.remove_transport(w0, *a));
  EXPECT_EQ(workers.publication(w0, *p), nullptr);
  ASSERT_NE(workers.subscription(w0, *s), nullptr);
  EXPECT_FALSE(workers.subscription(w0, *s)->publication.valid());
  EXPECT_FALSE(workers.add_publication(w0, publication_spec(*a)));
  EXPECT_FALSE(workers.remove_transport(w0, *a));
  const auto c = workers.add_transport(w0, transport_spec(3));
  EXPECT_EQ(c->slot, a->slot);
  EXPECT_NE(c->incarnation, a->incarnation);
  run(workers, far, now);
  EXPECT_EQ(far.rows, desired_rows(workers, w0));
}

TEST_F(WorkersTest, RefuseWhatDoesNotFitTheTable) {
  for (std::uint32_t i = 0; i < SegmentCapacity::transports; ++i) ASSERT_TRUE(workers.add_transport(w0, transport_spec(i)));
  EXPECT_FALSE(workers.add_transport(w0, transport_spec(0)));
  EXPECT_FALSE(workers.add_transport(WorkerId{9}, transport_spec(0)));
}

TEST_F(WorkersTest, WaitWhileTheRingIsFullAndLoseNothing) {
  const auto t = workers.add_transport(w0, transport_spec(1));
  std::vector<SubscriptionId> ids;
  for (std::uint32_t i = 0; i < 8000; ++i)
    ids.push_back(*workers.add_subscription(w0, subscription_spec(*t, {}, 2 * i + 2)));
  workers.poll(now);  // a megabyte of ring, nobody takes
  EXPECT_GT(workers.link(w0)->outbox_size(), 0U);
  EXPECT_EQ(workers.link(w0)->counts().ring_full, 1U);
  EXPECT_LE(workers.next_deadline(), now + 10ms);
  EXPECT_TRUE(far.rows.empty());
  far.take(100);
  now += 5ms;
  workers.poll(now);
  for (const SubscriptionId id : ids)
    if (id.slot % 3 == 0) workers.remove_subscription(w0, id);  // changes while a generation is stuck halfway
  run(workers, far, now);
  EXPECT_EQ(far.rows, desired_rows(workers, w0));
}

TEST_F(WorkersTest, SendASnapshotToANewWorkerAndWhenAsked) {
  const auto t = workers.add_transport(w0, transport_spec(1));
  run(workers, far, now);
  far.restart();
  run(workers, far, now);
  EXPECT_TRUE(far.begins.back().second);
  EXPECT_EQ(far.rows, desired_rows(workers, w0));
  const auto before = far.begins.size();
  far.want_snapshot();
  run(workers, far, now);
  EXPECT_EQ(far.begins.size(), before + 1);
  EXPECT_TRUE(far.begins.back().second);
  EXPECT_NE(workers.transport(w0, *t), nullptr);
}

TEST_F(WorkersTest, BackOffFromAWorkerThatRefuses) {
  run(workers, far, now);
  for (int i = 0; i < 1000; ++i) {
    far.want_snapshot(1);
    now += 1ms;
    workers.poll(now);
    far.take();
  }
  EXPECT_EQ(workers.link(w0)->counts().refused, 1000U);
  EXPECT_LT(workers.link(w0)->counts().snapshots, 20U);
}

TEST_F(WorkersTest, SendASnapshotWhenWhatWasTakenIsNeverCommitted) {
  run(workers, far, now);
  workers.add_transport(w0, transport_spec(1));
  now += 1ms;
  workers.poll(now);
  far.take();
  far.shared().generations.committed.store(0);  // the worker lost it
  const auto before = far.begins.size();
  for (int i = 0; i < 30; ++i) {
    now += 100ms;
    workers.poll(now);
  }
  far.take();
  EXPECT_GT(far.begins.size(), before);
  EXPECT_TRUE(far.begins.back().second);
}

TEST_F(WorkersTest, BelieveEventsOfTheirOwnIdsOnlyAndTellNewsOnce) {
  Ears ears;
  workers.set_listener(&ears);
  const auto t = workers.add_transport(w0, transport_spec(1));
  const auto s = workers.add_subscription(w0, subscription_spec(*t, {}, 10));
  far.transport_changed(*t, schema::TransportState::connected);
  far.transport_changed(*t, schema::TransportState::connected);
  far.transport_changed({t->slot, t->incarnation + 1}, schema::TransportState::failed);
  far.transport_changed({999'999, 1}, schema::TransportState::failed);
  far.subscription_changed(*s, 2);
  far.subscription_changed(*s, 200);
  run(workers, far, now);
  ASSERT_EQ(ears.transports.size(), 1U);
  EXPECT_EQ(ears.transports[0], std::tuple(*t, TransportPhase::connected, TransportFailure::none));
  ASSERT_EQ(ears.subscriptions.size(), 1U);
  EXPECT_EQ(ears.subscriptions[0].second, std::optional<std::uint8_t>(2));
  EXPECT_EQ(workers.link(w0)->counts().foreign_events, 3U);
}

TEST_F(WorkersTest, ReadTheLiveTablesWhenEventsWereLost) {
  Ears ears;
  workers.set_listener(&ears);
  const auto t = workers.add_transport(w0, transport_spec(1));
  run(workers, far, now);
  TransportRow row;
  row.id = t->packed();
  row.state = schema::TransportState::failed;
  row.reason = schema::FailureReason::dtls_failed;
  ASSERT_TRUE(far.shared().live.transports.write(row));
  far.shared().counters.add(Counter::events_dropped);
  run(workers, far, now);
  ASSERT_EQ(ears.transports.size(), 1U);
  EXPECT_EQ(std::get<2>(ears.transports[0]), TransportFailure::dtls_failed);
  EXPECT_EQ(workers.counters(w0)->values[static_cast<std::size_t>(Counter::events_dropped)], 1U);
}

TEST_F(WorkersTest, AskForKeyFramesOncePerTurn) {
  const auto t = workers.add_transport(w0, transport_spec(1));
  const auto p = workers.add_publication(w0, publication_spec(*t));
  workers.request_key_frame(w0, *p);
  workers.request_key_frame(w0, *p);
  workers.request_key_frame(w0, {p->slot, p->incarnation + 1});
  run(workers, far, now);
  EXPECT_EQ(far.key_frames, (std::vector<std::uint64_t>{p->packed()}));
}

TEST(Placement, IsStickyAndTakesTheLeastLoaded) {
  Placement placement;
  const auto none = [](WorkerId) { return std::uint64_t{0}; };
  EXPECT_FALSE(placement.place("a", none));
  placement.add_worker(WorkerId{0});
  placement.add_worker(WorkerId{1});
  EXPECT_EQ(placement.place("a", none), WorkerId{0});
  EXPECT_EQ(placement.place("b", none), WorkerId{1});
  const auto busy0 = [](WorkerId worker) { return std::uint64_t{worker.value == 0 ? 5U : 1U}; };
  EXPECT_EQ(placement.place("c", busy0), WorkerId{1});
  EXPECT_EQ(placement.place("a", busy0), WorkerId{0});
  placement.release("a");
  EXPECT_EQ(placement.rooms_on(WorkerId{0}), 0U);
  EXPECT_FALSE(placement.restore("z", WorkerId{7}));
}

TEST(Placement, PrefersWorkersThatAreNotFull) {
  Placement placement(2);
  placement.add_worker(WorkerId{0});
  placement.add_worker(WorkerId{1});
  const auto busy1 = [](WorkerId worker) { return std::uint64_t{worker.value == 1 ? 50U : 1U}; };
  EXPECT_EQ(placement.place("a", busy1), WorkerId{0});
  EXPECT_EQ(placement.place("b", busy1), WorkerId{0});
  EXPECT_EQ(placement.place("c", busy1), WorkerId{1});
  EXPECT_EQ(placement.place("d", busy1), WorkerId{1});
  EXPECT_EQ(placement.place("e", busy1), WorkerId{0});  // all are full: the least loaded
}

/// Random changes, with a control process that dies now and then: the worker always ends with what is desired, and a
/// successor's snapshot tells it nothing new.
class RandomLives : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, RandomLives, testing::Range(1U, 21U));

TEST_P(RandomLives, LeaveSnapshotAndIncrementsEqualAndRestartsUnnoticed) {
  std::mt19937 random(GetParam());
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  LogRegion region;
  FarSide far;
  TimePoint now{1s};
  std::set<std::uint64_t> transports_seen;
  bool at_rest = true;
  for (int life = 0; life < 5; ++life) {
    StateLog log = region.open();
    Workers workers(log);
    workers.attach(far.info(), far.channel());
    const WorkerRows before = far.rows;
    const int changes_before = far.changes;
    run(workers, far, now);
    EXPECT_EQ(far.rows, desired_rows(workers, w0));
    if (at_rest) {
      EXPECT_EQ(far.rows, before);
      EXPECT_EQ(far.changes, changes_before) << "the restart disturbed the worker";
    }
    for (int step = 0; step < 200; ++step) {
      const MediaPlane::Rows rows = workers.rows(w0);
      const auto any_transport = [&] { return rows.transports[below(rows.transports.size())]; };
      const auto any_publication = [&] {
        return rows.publications.empty() ? PublicationId{} : rows.publications[below(rows.publications.size())];
      };
      const std::size_t dice = rows.transports.empty() ? 0 : below(10);
      if (dice <= 1) {
        const auto id = workers.add_transport(w0, transport_spec(static_cast<std::uint32_t>(below(200))));
        EXPECT_TRUE(transports_seen.insert(id->packed()).second) << "an id was given twice";
      } else if (dice == 2) {
        workers.remove_transport(w0, any_transport());
      } else if (dice == 3) {
        workers.update_transport(w0, any_transport(), transport_spec(static_cast<std::uint32_t>(below(200))));
      } else if (dice <= 5) {
        workers.add_publication(w0, publication_spec(any_transport()));
      } else if (dice == 6 && !rows.publications.empty()) {
        const PublicationId id = any_publication();
        workers.update_publication(w0, id, publication_spec(workers.publication(w0, id)->transport, below(2) == 0));
      } else if (dice == 7 && !rows.publications.empty()) {
        workers.remove_publication(w0, any_publication());
      } else if (dice == 8 && !rows.subscriptions.empty()) {
        workers.remove_subscription(w0, rows.subscriptions[below(rows.subscriptions.size())]);
      } else {
        workers.add_subscription(
            w0, subscription_spec(any_transport(), any_publication(), static_cast<std::uint32_t>(random())));
      }
      if (below(4) == 0) workers.poll(now += 1ms);
      if (below(4) == 0) far.take(static_cast<int>(below(20)));
      if (below(100) == 0) far.restart();
    }
    EXPECT_EQ(workers.store_failures(), 0U);
    at_rest = below(2) == 0;  // else it dies with half a generation in the ring and changes that it never sent
    if (at_rest) run(workers, far, now);
    if (at_rest) {
      EXPECT_EQ(far.rows, desired_rows(workers, w0));
    }
  }
}

TEST(Restart, RemembersWhereRoomsAre) {
  LogRegion region;
  FarSide far0(0);
  FarSide far1(1);
  std::optional<WorkerId> placed;
  {
    StateLog log = region.open();
    Workers workers(log);
    workers.attach(far0.info(), far0.channel());
    workers.attach(far1.info(), far1.channel());
    workers.place_room("first");
    placed = workers.place_room("second");
  }
  StateLog log = region.open();
  Workers workers(log);
  workers.attach(far0.info(), far0.channel());
  workers.attach(far1.info(), far1.channel());
  EXPECT_EQ(workers.place_room("second"), placed);
  workers.release_room("second");
  EXPECT_EQ(workers.rooms_on(*placed), 0U);
}

TEST(Codec, RefusesWhatIsNoSuchCommand) {
  const auto bytes = encode(TransportId{1, 1}, transport_spec(1));
  EXPECT_TRUE(decode_transport(bytes));
  EXPECT_FALSE(decode_publication(bytes));
  EXPECT_FALSE(decode_subscription(Bytes(bytes).first(bytes.size() / 2)));
}

}  // namespace
}  // namespace sluice::workers
