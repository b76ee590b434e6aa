// Whoever is muted, has not consented, lost a capability, or was put out may send what it likes: nobody receives a packet of
// it, whatever happens to the worker meanwhile. (What sets these wishes is tested in tests/control/media.)
#include "tests/sim/call.hpp"

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t cheat = 1;

PublicationWish closed(PublicationWish wish) {
  wish.forward = false;
  return wish;
}

/// Media and retransmissions that left the worker for what `from` publishes.
std::uint64_t sent_of(Call& call, std::uint32_t from, std::uint32_t members) {
  std::uint64_t count = 0;
  for (std::uint32_t to = 0; to < members; ++to) {
    if (to == from) continue;
    for (const bool video : {true, false}) {
      const SubscriptionWish wish = call.wish(to, from, video);
      count += call.world.sent_by_ssrc[wish.ssrc];
      if (wish.rtx_ssrc != 0) count += call.world.sent_by_ssrc[wish.rtx_ssrc];
    }
  }
  return count;
}

/// Everybody asks for what it misses, and for key frames: what is closed must not come by a side door.
void beg(Call& call, std::uint32_t members) {
  for (std::uint32_t to = 0; to < members; ++to) {
    if (to == cheat) continue;
    ReceivedStream& stream = call.stream(to, cheat, true);
    for (std::int64_t i = 1; i < 20 && stream.highest - i > 0; ++i) stream.missing[stream.highest - i] = {call.world.now, 0};
    call.members[to]->request_key_frame(call.world.now, stream.ssrc);
  }
}

TEST(Enforcement, NobodyReceivesAPacketOfAClosedMemberAcrossBadNetworksAndDeathsOfTheWorker) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    constexpr std::uint32_t members = 3;
    Call call(seed, members, seed % 2 == 0);
    for (SimPeer* peer : call.members) {
      for (const bool up : {true, false}) {
        Weather& weather =
            (up ? call.world.network.up(peer->setup.tuple) : call.world.network.down(peer->setup.tuple)).weather;
        weather.delay = milliseconds(10);
        weather.loss = 0.03;
      }
    }
    call.world.connect_all();
    call.world.run_for(seconds(3));
    ASSERT_GT(sent_of(call, cheat, members), 300U) << "seed " << seed;

    call.world.program(closed(call.video_of(cheat)), closed(call.audio_of(cheat)));
    const std::uint64_t before = sent_of(call, cheat, members);
    const std::uint64_t others = sent_of(call, 0, members);
    for (int death = 0; death < 3; ++death) {
      beg(call, members);
      call.world.run_for(milliseconds(700));
      call.world.succeed();
      beg(call, members);
      call.world.run_for(milliseconds(700));
    }
    EXPECT_EQ(sent_of(call, cheat, members), before) << "seed " << seed;
    EXPECT_GT(sent_of(call, 0, members), others + 300) << "the others go on, seed " << seed;
    EXPECT_GT(call.world.counter(Counter::drop_policy_denied), 300U) << "it did not stop sending, seed " << seed;

    call.world.program(call.video_of(cheat), call.audio_of(cheat));
    call.world.run_for(seconds(2));
    EXPECT_GT(sent_of(call, cheat, members), before + 150) << "seed " << seed;
    for (std::uint32_t to = 0; to < members; ++to) {
      if (to == cheat) continue;
      for (const std::string& fault : judge(call.stream(to, cheat, true)).faults)
        ADD_FAILURE() << "seed " << seed << ": " << fault;
    }
  }
}

/// Control dies and comes back without the memory of its last decision: what it wants then is older than what the worker
/// holds. It says so in increments and in snapshots, to the worker and to its successors, in any order.
TEST(Enforcement, WhatWasTakenDoesNotComeBackByAForgetfulControlOrADeathOfTheWorker) {
  constexpr std::uint32_t members = 3;
  for (std::uint64_t seed = 20; seed < 24; ++seed) {
    Call call(seed, members);
    const auto at_epoch = [](PublicationWish wish, std::uint32_t epoch) {
      wish.policy_epoch = epoch;
      return wish;
    };
    call.world.connect_all();
    call.world.program(at_epoch(call.video_of(cheat), 1), at_epoch(call.audio_of(cheat), 1));
    call.world.run_for(seconds(2));
    ASSERT_GT(sent_of(call, cheat, members), 100U) << "seed " << seed;
    call.world.program(at_epoch(closed(call.video_of(cheat)), 2), at_epoch(closed(call.audio_of(cheat)), 2));
    const std::uint64_t before = sent_of(call, cheat, members);
    for (unsigned step = 0; step < 8; ++step) {
      if ((seed + step) % 3 == 0) call.world.succeed();
      call.world.program(at_epoch(call.video_of(cheat), 1), at_epoch(call.audio_of(cheat), 1));
      beg(call, members);
      call.world.run_for(milliseconds(300));
      if ((seed + step) % 2 == 0) call.world.succeed();
      call.world.run_for(milliseconds(300));
    }
    EXPECT_EQ(sent_of(call, cheat, members), before) << "seed " << seed;
    EXPECT_GT(call.world.counter(Counter::policy_stale), 0U);
    EXPECT_GT(call.world.counter(Counter::drop_policy_denied), 100U) << "it did not stop sending, seed " << seed;
    call.world.program(at_epoch(call.video_of(cheat), 3), at_epoch(call.audio_of(cheat), 3));
    call.world.run_for(seconds(2));
    EXPECT_GT(sent_of(call, cheat, members), before + 100) << "a new decision gives it back, seed " << seed;
  }
}

TEST(Enforcement, WhoMayNotReceiveReceivesNothing) {
  Call call(9, 2);
  call.world.connect_all();
  call.world.run_for(seconds(3));
  for (const bool video : {true, false}) {
    SubscriptionWish wish = call.wish(cheat, 0, video);
    wish.active = false;
    call.world.program(wish);
  }
  const std::uint64_t before = sent_of(call, 0, 2);
  ReceivedStream& stream = call.stream(cheat, 0, true);
  for (std::int64_t i = 1; i < 20; ++i) stream.missing[stream.highest - i] = {call.world.now, 0};
  call.members[cheat]->request_key_frame(call.world.now, stream.ssrc);
  call.world.run_for(seconds(1));
  call.world.succeed();
  call.world.run_for(seconds(2));
  EXPECT_EQ(sent_of(call, 0, 2), before);
}

TEST(Enforcement, WhoWasPutOutIsNotHeardHoweverLongItSends) {
  Call call(10, 3);
  call.world.connect_all();
  call.world.run_for(seconds(3));
  const std::uint64_t frames = call.members[cheat]->sending[0].frame;
  call.world.remove(schema::EntityKind::transport, TransportId{cheat, 1}.packed());
  const std::uint64_t before = sent_of(call, cheat, 3);
  call.world.run_for(seconds(3));
  call.world.succeed();
  call.world.run_for(seconds(1));
  EXPECT_EQ(sent_of(call, cheat, 3), before);
  EXPECT_GT(call.members[cheat]->sending[0].frame, frames + 60) << "it did not stop sending";
}

}  // namespace
}  // namespace sluice::sim
