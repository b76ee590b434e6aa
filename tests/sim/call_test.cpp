#include "tests/sim/audit.hpp"
#include "tests/sim/expect_call.hpp"

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void expect_clean(Call& call, std::uint64_t seed) {
  const std::string where = "seed " + std::to_string(seed);
  expect_clean(call.world, call.members, where);
  EXPECT_EQ(call.world.counter(Counter::drop_seal_failed), 0U) << where;
}

TEST(Call, OnAGoodNetworkEveryoneGetsEverythingOnce) {
  for (const bool gcm : {true, false}) {
    Call call(1, 3, gcm);
    call.world.connect_all();
    call.world.run_for(seconds(20));
    expect_clean(call, 1);
    for (std::uint32_t to = 0; to < 3; ++to) {
      for (std::uint32_t from = 0; from < 3; ++from) {
        if (to == from) continue;
        ReceivedStream& video = call.stream(to, from, true);
        const Verdicts v = judge(video);
        EXPECT_EQ(v.missing, 0U);
        EXPECT_EQ(video.duplicates, 0U);
        EXPECT_EQ(video.by_rtx, 0U);
        EXPECT_GT(v.frames, 560U);
        EXPECT_TRUE(v.layers.contains(2)) << "the highest layer is reached";
        EXPECT_LE(v.switches, 2U);
        EXPECT_GE(video.sender_reports, 15U);
        ReceivedStream& audio = call.stream(to, from, false);
        EXPECT_EQ(judge(audio).missing, 0U);
        EXPECT_GT(audio.total, 950U);
      }
      EXPECT_GT(call.members[to]->twcc_feedbacks, 150U);
      EXPECT_GT(call.members[to]->receiver_reports, 15U);
      for (const SentStream& s : call.members[to]->sending) EXPECT_LE(s.plis, 8U);
    }
    EXPECT_GT(call.world.counter(Counter::twcc_received), 500U);
  }
}

TEST(Call, BadNetworksCauseOnlyWhatTheyMust) {
  const std::uint64_t count = seeds(8);
  std::uint64_t sent = 0, missing = 0, lost_down = 0, cut = 0;
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    Call call(seed, 2, seed % 2 == 0);
    std::mt19937_64 random(seed);
    for (SimPeer* peer : call.members) {
      for (const bool up : {true, false}) {
        Weather& w = (up ? call.world.network.up(peer->setup.tuple) : call.world.network.down(peer->setup.tuple)).weather;
        w.delay = milliseconds(5 + random() % 60);
        w.jitter = milliseconds(random() % 30);
        w.loss = static_cast<double>(random() % 6) / 100;
        w.burst_continues = static_cast<double>(random() % 5) / 10;
        w.duplicate = static_cast<double>(random() % 3) / 100;
      }
    }
    call.world.connect_all();
    call.world.run_for(seconds(8));
    for (const std::uint8_t limit : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{255}}) {
      SubscriptionWish w = call.wish(0, 1, true);
      w.max_layer = limit;
      call.world.program(w);
      call.world.run_for(seconds(3));
    }
    for (SimPeer* peer : call.members) {  // let the repairs come in
      call.world.network.up(peer->setup.tuple).weather = {};
      call.world.network.down(peer->setup.tuple).weather = {};
      for (SentStream& s : peer->sending) s.enabled = false;
    }
    call.world.run_for(seconds(3));
    expect_clean(call, seed);
    for (const auto& [to, from] : {std::pair(0U, 1U), std::pair(1U, 0U)}) {
      const Verdicts v = judge(call.stream(to, from, true));
      EXPECT_GT(v.packets, 300U) << "seed " << seed;
      Auditor auditor(call.world);
      for (const bool video : {true, false}) {
        const Audit audit = auditor.audit(call.stream(to, from, video));
        for (const std::string& fault : audit.faults)
          ADD_FAILURE() << "seed " << seed << (video ? " video " : " audio ") << fault;
        if (video) {
          EXPECT_EQ(audit.missing, v.missing) << "seed " << seed;
          missing += audit.missing;
          sent += audit.sent;
          cut += audit.cut_by_switches;
          lost_down += audit.lost_down;
        }
      }
    }
    EXPECT_GE(judge(call.stream(0, 1, true)).switches, 2U) << "seed " << seed;
    if (testing::Test::HasFailure()) return;
  }
  RecordProperty("video_packets_sent", std::to_string(sent));
  RecordProperty("video_packets_missing", std::to_string(missing));
  RecordProperty("of_these_lost_on_the_way_down", std::to_string(lost_down));
  RecordProperty("frames_cut_by_switches", std::to_string(cut));
  EXPECT_LE(missing, sent / 200) << "repairs work";
}

void expect_layers_follow_the_ceiling(Call& call) {
  call.world.connect_all();
  call.world.run_for(seconds(3));
  for (const std::uint8_t limit : {std::uint8_t{0}, std::uint8_t{2}, std::uint8_t{1}}) {
    SubscriptionWish w = call.wish(0, 1, true);
    w.max_layer = limit;
    call.world.program(w);
    call.world.run_for(seconds(2));
    const auto row = call.world.memory.live->subscriptions.read(w.id);
    ASSERT_TRUE(row);
    EXPECT_EQ(row->current_layer, limit);
    EXPECT_EQ(row->target_layer, limit);
    EXPECT_EQ(call.stream(0, 1, true).packets.rbegin()->second.layer, limit) << "by size of the picture";
  }
  const auto publication = call.world.memory.live->publications.read(call.video_of(1).id);
  ASSERT_TRUE(publication);
  EXPECT_LT(publication->layers[0].width, publication->layers[1].width);
  EXPECT_LT(publication->layers[1].width, publication->layers[2].width);
  expect_clean(call, 3);
  EXPECT_GE(judge(call.stream(0, 1, true)).switches, 3U);
}

TEST(Call, LayersFollowTheCeilingUpAndDown) {
  Call call(3, 2);
  expect_layers_follow_the_ceiling(call);
}

TEST(Call, LayersAreRankedByWhatIsSeenAndNotByTheOrderOfTheOffer) {
  for (const std::vector<std::string>& rids : {std::vector<std::string>{"f", "h", "q"}, {"h", "f", "q"}}) {
    Call call(3, 2, true, rids);
    expect_layers_follow_the_ceiling(call);
  }
}

TEST(Call, ClosedPolicyLetsNothingThrough) {
  Call call(4, 2);
  call.world.connect_all();
  call.world.run_for(seconds(3));
  const std::uint32_t ssrc = call.wish(0, 1, true).ssrc;
  EXPECT_GT(call.world.sent_by_ssrc[ssrc], 50U);
  call.world.program(call.video_of(1, false));
  const auto media = call.world.sent_by_ssrc[ssrc];
  const auto rtx = call.world.sent_by_ssrc[ssrc + 1];
  call.members[0]->request_key_frame(call.world.now, ssrc);
  call.stream(0, 1, true).missing[call.stream(0, 1, true).highest - 3] = {call.world.now, 0};
  call.world.run_for(seconds(3));
  EXPECT_EQ(call.world.sent_by_ssrc[ssrc], media);
  EXPECT_EQ(call.world.sent_by_ssrc[ssrc + 1], rtx);
  EXPECT_GT(call.world.sent_by_ssrc[call.wish(0, 1, false).ssrc], 100U) << "audio goes on";
  call.world.program(call.video_of(1, true));
  call.world.run_for(seconds(2));
  EXPECT_GT(call.world.sent_by_ssrc[ssrc], media + 50);
  expect_clean(call, 4);
}

TEST(Call, APausedConsumerGetsNothingAndComesBackWithAKeyFrame) {
  Call call(5, 2);
  call.world.connect_all();
  call.world.run_for(seconds(3));
  for (const bool video : {true, false}) {
    SubscriptionWish w = call.wish(0, 1, video);
    w.active = false;
    call.world.program(w);
    const auto before = call.world.sent_by_ssrc[w.ssrc];
    call.world.run_for(seconds(2));
    EXPECT_EQ(call.world.sent_by_ssrc[w.ssrc], before);
    w.active = true;
    call.world.program(w);
    call.world.run_for(seconds(2));
    EXPECT_GT(call.world.sent_by_ssrc[w.ssrc], before + 40);
  }
  expect_clean(call, 5);
}

TEST(Call, ASlotIsFilledByAnotherPublisher) {
  Call call(6, 3);
  call.world.connect_all();
  call.world.run_for(seconds(3));
  SubscriptionWish w = call.wish(0, 1, true);
  for (const std::uint32_t from : {2U, 1U, 2U}) {
    w.publication = call.video_of(from).id;
    call.world.program(w);
    call.world.run_for(seconds(2));
    EXPECT_EQ(call.stream(0, 1, true).packets.rbegin()->second.publisher, from);
  }
  expect_clean(call, 6);
}

TEST(Call, ALayerThatDiesIsLeftForALowerOne) {
  Call call(7, 2);
  call.world.connect_all();
  call.world.run_for(seconds(3));
  call.members[1]->sending[2].enabled = false;
  call.world.run_for(seconds(4));
  EXPECT_EQ(call.stream(0, 1, true).packets.rbegin()->second.layer, 1);
  call.members[1]->sending[2].next_frame = call.world.now;
  call.members[1]->sending[2].enabled = true;
  call.world.run_for(seconds(4));
  EXPECT_EQ(call.stream(0, 1, true).packets.rbegin()->second.layer, 2);
  expect_clean(call, 7);
}

TEST(Call, NothingIsSentAfterConsentRunsOut) {
  Call call(8, 2);
  call.world.connect_all();
  call.world.run_for(seconds(2));
  call.world.network.up(call.members[0]->setup.tuple).weather.loss = 1;
  call.world.network.up(call.members[0]->setup.tuple).weather.burst_continues = 1;
  call.world.run_for(seconds(31));
  const auto before = call.world.sent_by_ssrc[call.wish(0, 1, true).ssrc];
  call.world.run_for(seconds(5));
  EXPECT_EQ(call.world.sent_by_ssrc[call.wish(0, 1, true).ssrc], before);
  EXPECT_EQ(call.world.memory.live->transports.read(TransportId{0, 1})->state, schema::TransportState::disconnected);
  call.world.network.up(call.members[0]->setup.tuple).weather = {};
  call.world.run_for(seconds(5));
  EXPECT_GT(call.world.sent_by_ssrc[call.wish(0, 1, true).ssrc], before + 20) << "the path is back";
  expect_clean(call, 8);
}

}  // namespace
}  // namespace sluice::sim
