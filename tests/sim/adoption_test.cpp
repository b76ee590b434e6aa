// A worker dies at any point and another one takes its place: issue "No process's death ends a call".
#include "tests/sim/expect_call.hpp"

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Adoption, AQuietDeathCostsNoPacketAndNothingButAKeyFrame) {
  for (const bool gcm : {true, false}) {
    Call call(1, 3, gcm);
    call.world.connect_all();
    call.world.run_for(seconds(5));
    const std::string before = call.world.core.describe();
    const std::size_t opened = call.world.memory.messages.handshakes.size();
    const auto adopted = call.world.succeed();
    EXPECT_EQ(adopted.transports, 3U);
    EXPECT_EQ(adopted.keyed, 3U);
    EXPECT_EQ(adopted.publications, 6U);
    EXPECT_EQ(adopted.subscriptions, 12U);
    EXPECT_EQ(adopted.unsound, 0U);
    EXPECT_EQ(adopted.blamed, 0U);
    EXPECT_EQ(call.world.core.describe(), before);
    EXPECT_EQ(call.world.core.committed_generation(), call.world.generation);
    std::vector<std::uint64_t> plis;
    for (SimPeer* peer : call.members) {
      for (const SentStream& s : peer->sending) plis.push_back(s.plis);
    }
    call.world.run_for(seconds(5));
    EXPECT_LE(call.world.memory.messages.handshakes.size(), opened + 3) << "asked the handshaker once for each";
    expect_clean(call.world, call.members, "quiet");
    expect_flowing(call.world, call.members, "quiet");
    for (SimPeer* peer : call.members) {
      for (const ReceivedStream& stream : peer->receiving) {
        const Verdicts v = judge(stream);
        EXPECT_EQ(v.missing, 0U);
        EXPECT_LE(v.switches, 2U) << "the layer stays";
      }
    }
    // The layer that is watched is asked for one key frame.
    std::size_t i = 0;
    for (SimPeer* peer : call.members) {
      for (const SentStream& s : peer->sending) {
        const std::uint64_t asked = s.plis - plis[i++];
        EXPECT_EQ(asked, s.video && s.layer == 2 ? 1U : 0U) << int{s.layer};
      }
    }
    EXPECT_EQ(call.world.counter(Counter::adoptions), 1U);
  }
}

TEST(Adoption, AtEveryPointOfAWorkersLifeTheSuccessorGoesOn) {
  const std::uint64_t count = seeds(60);
  std::uint64_t deaths = 0, missing = 0, packets = 0;
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const std::string where = "seed " + std::to_string(seed);
    Call call(seed, 2, seed % 2 == 0);
    std::mt19937_64 random(seed);
    for (SimPeer* peer : call.members) {
      for (const bool up : {true, false}) {
        Weather& w = (up ? call.world.network.up(peer->setup.tuple) : call.world.network.down(peer->setup.tuple)).weather;
        w.delay = milliseconds(5 + random() % 30);
        w.jitter = milliseconds(random() % 10);
        w.loss = seed % 3 == 0 ? static_cast<double>(random() % 4) / 100 : 0;
      }
    }
    call.world.connect_all();
    call.world.run_for(seconds(1));
    for (int i = 0; i < 3; ++i) {
      call.world.die_in(1 + random() % 2000);
      call.world.run_for(milliseconds(700 + random() % 700));
    }
    deaths += call.world.deaths;
    call.world.run_for(seconds(1));
    for (SimPeer* peer : call.members) {
      call.world.network.up(peer->setup.tuple).weather.loss = 0;
      call.world.network.down(peer->setup.tuple).weather.loss = 0;
    }
    call.world.run_for(milliseconds(500));
    expect_flowing(call.world, call.members, where);
    expect_clean(call.world, call.members, where);
    for (SimPeer* peer : call.members) {
      for (const ReceivedStream& stream : peer->receiving) {
        const Verdicts v = judge(stream);
        packets += v.packets;
        if (seed % 3 != 0) missing += v.missing;
      }
    }
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(deaths, count);
  // On good networks a death costs at most what was in hand: some packets of one turn.
  EXPECT_LT(missing, deaths * 8);
  RecordProperty("deaths", std::to_string(deaths));
  RecordProperty("packets", std::to_string(packets));
  RecordProperty("missing", std::to_string(missing));
}

TEST(Adoption, WhileACallIsBeingSetUpItEndsUpConnected) {
  const std::uint64_t count = seeds(60);
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const std::string where = "seed " + std::to_string(seed);
    Call call(seed, 2);
    SimWorld& world = call.world;
    std::mt19937_64 random(seed);
    for (SimPeer* peer : call.members) peer->start(world.now);
    world.die_in(1 + random() % 30);
    world.run_for(milliseconds(300));
    for (SimPeer* peer : call.members) {
      world.die_in(1 + random() % 12);
      world.finish_handshake(*peer);
      if (world.remains) {
        world.succeed();
        // The handshaker, asked to open what it has done, tells the keys again.
        for (SimPeer* again : call.members) {
          if (again <= peer || world.counter(Counter::handshakes_done) > 0) world.finish_handshake(*again);
        }
      }
    }
    for (SimPeer* peer : call.members) world.finish_handshake(*peer);
    world.die_in(0);
    world.run_for(seconds(3));
    expect_clean(call.world, call.members, where);
    expect_flowing(call.world, call.members, where);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Adoption, WishesThatCameJustBeforeADeathHoldOrAreAskedForAgain) {
  for (std::uint64_t seed = 1; seed <= seeds(40); ++seed) {
    const std::string where = "seed " + std::to_string(seed);
    Call call(seed, 2);
    SimWorld& world = call.world;
    world.connect_all();
    world.run_for(seconds(1));
    std::mt19937_64 random(seed);
    // Control closes the publication and pauses a consumer in one generation; the worker dies in it.
    SubscriptionWish paused = call.wish(0, 1, true);
    paused.active = false;
    ++world.generation;
    world.die_in(1 + random() % 6);
    world.core.handle_command(world.now, begin(world.generation, false).get());
    world.core.handle_command(world.now, command(call.video_of(0, false)).get());
    world.core.handle_command(world.now, command(paused).get());
    world.core.handle_command(world.now, commit(world.generation).get());
    if (world.remains) world.succeed();
    world.die_in(0);
    const bool all = world.core.committed_generation() == world.generation;
    const std::string text = world.core.describe();
    const bool closed = text.find("forward=0") != std::string::npos;
    const bool inactive = text.find("active=0") != std::string::npos;
    EXPECT_EQ(closed, all) << where;
    EXPECT_EQ(inactive, all) << where;
  }
}

TEST(Adoption, AReplayFromBeforeTheDeathIsRefused) {
  Call call(7, 2);
  SimWorld& world = call.world;
  world.connect_all();
  world.run_for(seconds(1));
  std::vector<std::vector<std::byte>> recorded;
  const Tuple victim = call.members[0]->setup.tuple;
  world.tap = [&](bool to_worker, const Tuple& peer, Bytes bytes) {
    if (to_worker && peer == victim && std::to_integer<unsigned>(bytes[0]) >= 128)
      recorded.emplace_back(bytes.begin(), bytes.end());
  };
  world.run_for(milliseconds(500));
  world.tap = nullptr;
  for (SimPeer* peer : call.members) {
    for (SentStream& s : peer->sending) s.enabled = false;
  }
  world.run_for(seconds(1));
  world.succeed();
  const std::uint64_t before = world.counter(Counter::forwarded_packets);
  ASSERT_GT(recorded.size(), 50U);
  for (auto& datagram : recorded) world.core.handle_datagram(world.now, victim, datagram);
  EXPECT_EQ(world.counter(Counter::forwarded_packets), before);
  EXPECT_GE(world.counter(Counter::drop_srtp_replay) + world.counter(Counter::drop_srtp_old), recorded.size());
}

TEST(Adoption, AnSsrcThatWasSpentStaysSpent) {
  Call call(3, 2);
  SimWorld& world = call.world;
  world.connect_all();
  world.run_for(seconds(1));
  SubscriptionWish again = call.wish(0, 1, true);
  world.remove(schema::EntityKind::subscription, again.id.packed());
  world.succeed();
  again.id.incarnation = 2;
  world.program(again);
  world.run_for(seconds(1));
  EXPECT_EQ(world.counter(Counter::drop_ssrc_conflict), 1U);
  EXPECT_EQ(world.repeated_indices, 0U);
  again.id.incarnation = 3;
  again.ssrc += 0x5000;
  again.rtx_ssrc += 0x5000;
  ReceivedStream fresh;
  fresh.ssrc = again.ssrc;
  fresh.rtx_ssrc = again.rtx_ssrc;
  call.members[0]->receiving.push_back(fresh);
  world.program(again);
  world.run_for(seconds(1));
  EXPECT_GT(call.members[0]->receiving.back().total, 20U);
}

TEST(Adoption, TwoCrashesWithASessionsPacketInHandShutThatSessionOut) {
  Call call(5, 3);
  SimWorld& world = call.world;
  world.connect_all();
  world.run_for(seconds(1));
  const TransportId guilty = call.members[1]->setup.id;
  // Killed from outside: nobody is to blame, whatever was in progress.
  world.memory.note->session = guilty.packed();
  EXPECT_EQ(world.succeed(PredecessorFate::ended).blamed, 0U);
  world.memory.note->session = guilty.packed();
  auto adopted = world.succeed(PredecessorFate::crashed);
  EXPECT_EQ(adopted.blamed, guilty.packed());
  EXPECT_FALSE(adopted.quarantined);
  EXPECT_EQ(adopted.transports, 3U);
  world.run_for(seconds(1));
  expect_flowing(call.world, call.members, "one crash");
  // The second one is known by what the process noted itself.
  world.memory.note->session = guilty.packed();
  world.memory.note->signal = 11;
  adopted = world.succeed(PredecessorFate::ended);
  EXPECT_TRUE(adopted.quarantined);
  EXPECT_EQ(adopted.transports, 2U);
  const auto row = world.memory.live->transports.read(guilty);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->state, schema::TransportState::closed);
  EXPECT_EQ(row->reason, schema::FailureReason::quarantined);
  for (const std::byte b : std::as_bytes(std::span(&world.memory.transports[guilty.slot], 1))) EXPECT_EQ(b, std::byte{});
  world.run_for(milliseconds(300));  // what was under way
  const std::uint64_t forwarded = call.stream(0, 1, true).total;
  world.run_for(seconds(1));
  EXPECT_EQ(call.stream(0, 1, true).total, forwarded);
  EXPECT_LT(world.now - call.stream(0, 2, true).last, milliseconds(250)) << "all others go on";
  // It lasts, also over a death without blame, until control lets the transport go.
  EXPECT_EQ(world.succeed().transports, 2U);
  world.remove(schema::EntityKind::transport, guilty.packed());
  EXPECT_FALSE(world.memory.live->transports.read(guilty));
  TransportWish anew = world.transport_of(*call.members[1]);
  anew.id.incarnation = 2;
  world.program(anew);
  EXPECT_TRUE(world.memory.live->transports.read(anew.id) || world.memory.transports[guilty.slot].id == anew.id.packed());
}

TEST(Adoption, RecordsThatNobodyCanHaveWrittenHarmOnlyTheirSession) {
  std::uint64_t unsound = 0;
  for (std::uint64_t seed = 1; seed <= seeds(200); ++seed) {
    Call call(seed, 2);
    SimWorld& world = call.world;
    world.connect_all();
    world.run_for(milliseconds(600));
    std::mt19937_64 random(seed);
    const auto scribble = [&](auto& record) {
      const auto bytes = std::as_writable_bytes(std::span(&record, 1));
      const std::size_t count = 1 + random() % 200;
      const std::size_t at = 8 + random() % (bytes.size() - 8);
      for (std::size_t i = at; i < std::min(at + count, bytes.size()); ++i) bytes[i] = static_cast<std::byte>(random());
    };
    // Of the second member and its rows; the first member's own records stay.
    scribble(world.memory.transports[1]);
    scribble(world.memory.publications[2]);
    scribble(world.memory.publications[3]);
    scribble(world.memory.subscriptions[call.wish(1, 0, true).id.slot]);
    unsound += world.succeed().unsound;
    world.watching = false;
    world.run_for(seconds(1));
    EXPECT_EQ(world.memory.transports[0].phase, TransportPhase::connected) << seed;
  }
  EXPECT_GT(unsound, 0U);
}

}  // namespace
}  // namespace sluice::sim
