// A room moves from one worker to another while it plays: issue "No process's death ends a call", migration.
#include "tests/sim/expect_call.hpp"
#include "tests/sim/sim_pair.hpp"

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::uint64_t missing(MovingCall& call) {
  std::uint64_t sum = 0;
  for (SimPeer* peer : call.members) {
    for (ReceivedStream& stream : peer->receiving) sum += judge(stream).missing;
  }
  return sum;
}

void weather(MovingCall& call, std::mt19937_64& random, double loss) {
  for (SimPeer* peer : call.members) {
    for (const bool up : {true, false}) {
      Weather& w = (up ? call.pair.network.up(peer->setup.tuple) : call.pair.network.down(peer->setup.tuple)).weather;
      w.delay = milliseconds(5 + random() % 30);
      w.jitter = milliseconds(random() % 10);
      w.loss = loss;
    }
  }
}

TEST(Move, OnAQuietNetworkNothingIsLostThereAndBackAndOn) {
  for (const bool gcm : {true, false}) {
    MovingCall call(1, 3, gcm);
    call.connect();
    call.pair.run_for(seconds(3));
    for (const std::uint16_t to : std::array<std::uint16_t, 5>{1, 0, 1, 2, 0}) {
      const std::string where = "to " + std::to_string(to);
      SimPair::Side& old = call.side();
      call.move(to, milliseconds(7));
      const std::uint64_t by_old = call.pair.sent_by_worker[old.index];
      EXPECT_EQ(old.counter(Counter::transports_departed) % 3, 0U);
      EXPECT_GE(call.side().counter(Counter::transports_arrived), 3U);
      call.pair.run_for(seconds(3));
      EXPECT_EQ(call.pair.sent_by_worker[old.index], by_old) << where << ": the old one is silent";
      expect_clean(call.pair, call.members, where);
      expect_flowing(call.pair, call.members, where);
      EXPECT_EQ(missing(call), 0U) << where;
      for (const TransportRecord& record : old.memory.transports) EXPECT_EQ(record.id, 0U) << where;
      for (const SubscriptionRecord& record : old.memory.subscriptions) EXPECT_EQ(record.id, 0U) << where;
      if (testing::Test::HasFailure()) return;
    }
    for (SimPeer* peer : call.members) {
      for (const ReceivedStream& stream : peer->receiving) EXPECT_LE(judge(stream).switches, 2U) << "the layer stays";
    }
    // Back at home nothing is left to relay.
    EXPECT_EQ(call.pair.sides[0]->core->describe().find("departure"), std::string::npos);
    const std::uint64_t relayed = call.pair.sides[0]->counter(Counter::datagrams_relayed);
    call.pair.run_for(seconds(1));
    EXPECT_EQ(call.pair.sides[0]->counter(Counter::datagrams_relayed), relayed);
    EXPECT_GT(relayed, 0U);
  }
}

TEST(Move, UnderLossAndJitterTheCallGoesOn) {
  for (std::uint64_t seed = 1; seed <= seeds(20); ++seed) {
    const std::string where = "seed " + std::to_string(seed);
    MovingCall call(seed, 2, seed % 2 == 0);
    std::mt19937_64 random(seed);
    weather(call, random, 0.03);
    call.connect();
    call.pair.run_for(seconds(1));
    for (int i = 0; i < 3; ++i) {
      call.move(static_cast<std::uint16_t>((call.at + 1 + random() % 2) % 3), milliseconds(random() % 30));
      call.pair.run_for(milliseconds(500 + random() % 500));
    }
    weather(call, random, 0);
    call.pair.run_for(seconds(1));
    expect_clean(call.pair, call.members, where);
    expect_flowing(call.pair, call.members, where);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Move, ADeathOfEitherWorkerAtAnyStepHeals) {
  std::uint64_t deaths = 0;
  for (std::uint64_t seed = 1; seed <= seeds(120); ++seed) {
    const std::string where = "seed " + std::to_string(seed);
    MovingCall call(seed, 2, seed % 2 == 0);
    std::mt19937_64 random(seed);
    weather(call, random, 0);
    call.connect();
    call.pair.run_for(milliseconds(700));
    for (int i = 0; i < 2; ++i) {
      const auto to = static_cast<std::uint16_t>((call.at + 1 + random() % 2) % 3);
      SimPair::Side& old = call.side();
      SimPair::Side& next = *call.pair.sides[to];
      const unsigned when = static_cast<unsigned>(random() % 3);
      if (when == 0) next.die_in(1 + random() % 60);
      call.prepare(to);
      call.pair.run_for(milliseconds(random() % 5));
      if (when == 1) old.die_in(1 + random() % 40);
      if (when == 2) next.die_in(1 + random() % 300);
      call.depart();
      if (random() % 2 == 0) (random() % 2 == 0 ? old : next).die_in(1 + random() % 60);
      call.pair.run_for(milliseconds(700));
      call.close();
      call.pair.run_for(milliseconds(300));
    }
    for (const auto& side : call.pair.sides) {
      side->die_in(0);
      deaths += side->deaths;
    }
    call.pair.run_for(seconds(2));
    expect_clean(call.pair, call.members, where);
    expect_flowing(call.pair, call.members, where);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(deaths, seeds(120));
}

TEST(Move, AFullRingOnlyDelaysTheRecords) {
  MovingCall call(4, 3);
  call.connect();
  call.pair.run_for(seconds(1));
  call.pair.ring_places = 5;
  call.move(1);
  call.pair.ring_places = 4096;
  call.pair.run_for(seconds(2));
  expect_clean(call.pair, call.members, "small ring");
  expect_flowing(call.pair, call.members, "small ring");
}

TEST(Move, APeerWithANewAddressIsFoundThroughTheOldWorker) {
  MovingCall call(8, 2);
  call.connect();
  call.pair.run_for(seconds(1));
  call.move(1);
  call.pair.run_for(seconds(1));
  call.rebind(0);
  call.pair.run_for(seconds(4));  // it checks, and nominates the new path
  expect_flowing(call.pair, call.members, "new address");
  EXPECT_EQ(call.pair.repeated_indices, 0U);
  call.pair.sides[0]->succeed();  // the successor knows it, too
  call.pair.run_for(seconds(1));
  expect_flowing(call.pair, call.members, "new address, successor");
}

TEST(Move, ASuccessorOfTheOldWorkerRelaysAsWell) {
  MovingCall call(5, 2);
  call.connect();
  call.pair.run_for(seconds(1));
  call.move(1);
  call.pair.sides[0]->succeed();
  call.pair.run_for(seconds(2));
  expect_clean(call.pair, call.members, "successor relays");
  expect_flowing(call.pair, call.members, "successor relays");
  EXPECT_GT(call.pair.sides[0]->counter(Counter::datagrams_relayed), 100U);
}

TEST(Move, WhoeverHasNothingToHandOverSaysSo) {
  MovingCall call(6, 2);
  call.pair.run_for(milliseconds(100));
  call.move(1);  // before anybody connected
  call.pair.run_for(milliseconds(100));
  EXPECT_EQ(call.side().memory.transports[call.transports[0].slot].id, call.transports[0].packed());
  EXPECT_EQ(call.side().memory.transports[call.transports[0].slot].phase, TransportPhase::waiting);
}

TEST(Move, HostileBytesOnTheRingHarmNobody) {
  for (std::uint64_t seed = 1; seed <= seeds(40); ++seed) {
    MovingCall call(seed, 2);
    std::mt19937_64 random(seed);
    call.connect();
    call.pair.run_for(milliseconds(500));
    // Worker 2, which has nothing to do with it, says whatever it likes to both; so does worker 0 to worker 1 about what is
    // not its own.
    call.pair.spoil = nullptr;
    const auto hostile = [&](std::uint16_t from, std::uint16_t to) {
      RelayHeader header;
      header.kind = static_cast<RelayKind>(random() % 10);
      header.hops = static_cast<std::uint8_t>(random() % 6);
      header.socket = static_cast<std::uint16_t>(random() % 8);
      header.transport = random() % 2 == 0 ? random() : call.transports[random() % 2].packed();
      header.source = random() % 2 == 0 ? random() : call.transports[random() % 2].packed();
      header.layout_hash = random() % 2 == 0 ? random() : RecoveryLayout::segment_layout_hash;
      header.count = static_cast<std::uint32_t>(random() % 8);
      const std::array<std::size_t, 5> sizes{sizeof(TransportRecord), sizeof(PublicationRecord), sizeof(SubscriptionRecord),
                                             static_cast<std::size_t>(random() % 2000), 0};
      std::vector<std::byte> body(sizes[random() % sizes.size()]);
      for (std::byte& b : body) b = static_cast<std::byte>(random());
      auto message = relay_message(header, body);
      if (random() % 4 == 0) message.resize(random() % message.size());
      call.pair.rings[{from, to}].push_back(std::move(message));
    };
    for (int i = 0; i < 200; ++i) hostile(2, static_cast<std::uint16_t>(random() % 2));
    call.pair.run_for(milliseconds(50));
    call.prepare(1);
    for (int i = 0; i < 200; ++i) hostile(2, static_cast<std::uint16_t>(random() % 2));
    call.pair.run_for(milliseconds(5));
    call.depart();
    for (int i = 0; i < 200; ++i) hostile(2, static_cast<std::uint16_t>(random() % 2));
    call.pair.run_for(milliseconds(300));
    call.close();
    call.pair.run_for(seconds(1));
    expect_clean(call.pair, call.members, "foreign worker");
    expect_flowing(call.pair, call.members, "foreign worker");
    if (testing::Test::HasFailure()) return;
    // What the old worker itself hands over may be any bytes: that harms the moved sessions and nothing else.
    call.pair.spoil = [&](std::vector<std::byte>& message) {
      if (message.size() <= sizeof(RelayHeader)) return;
      const std::size_t at = random() % message.size();
      for (std::size_t i = at; i < std::min(at + 64, message.size()); ++i) message[i] = static_cast<std::byte>(random());
    };
    call.prepare(2);
    call.depart();
    call.pair.run_for(seconds(1));
  }
}

}  // namespace
}  // namespace sluice::sim
