#include "control/abr/adaptive_bitrate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "shm/region/region.hpp"
#include "tests/support/room_world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct AbrFixture : ::testing::Test {
  test::RoomWorld world;
  Publications publications{world.rooms, world.bus, world.entropy, {}, test::RoomWorld::unix_clock()};
  AdaptiveBitrateOptions options;
  std::vector<std::pair<std::string, json>> events;
  std::vector<json> told;              // sfu:layer:auto
  std::map<ConsumerId, int> ceilings;  // what media was told last
  std::vector<Bus::Subscription> subscriptions;
  Region region = *Region::create("abr-test", std::size_t{1} << 20U);
  StateLog log = *StateLog::open(std::move(*Region::map(region.fd(), Access::read_write)));
  std::unique_ptr<AdaptiveBitrate> abr;
  PeerId publisher;
  PeerId viewer;
  ProducerId camera;
  ConsumerId consumer;

  void SetUp() override {
    subscriptions.push_back(world.bus.subscribe<PeerMessagePosted>(
        [this](const PeerMessagePosted& fact) { told.push_back(json::parse(fact.message)); }));
    subscriptions.push_back(world.bus.subscribe<SubscriptionLayerTargeted>(
        [this](const SubscriptionLayerTargeted& fact) { ceilings[fact.consumer] = fact.layer ? *fact.layer : -1; }));
    make();
    publisher = world.join("r");
    viewer = world.join("r");
    camera = publish();
    consumer = subscribe(viewer, camera);
  }
  void make() {
    abr = std::make_unique<AdaptiveBitrate>(
        world.bus, world.rooms, publications, log,
        [this](std::string_view event, const json& data) { events.emplace_back(event, data); }, options,
        AdaptiveBitrate::Clocks{world.clock(), test::RoomWorld::unix_clock()});
  }
  /// Control dies here; its successor has the rooms and the log.
  void restart() {
    abr.reset();
    make();
    world.bus.publish(RoomsRestored{});
  }
  ProducerId publish(std::vector<std::string> layers = {}, PublicationKind kind = PublicationKind::video) {
    PublishRequest request;
    request.kind = kind;
    request.layers = std::move(layers);
    return (*publications.publish(publisher, request, world.now))->id;
  }
  ConsumerId subscribe(const PeerId& peer, const ProducerId& producer) {
    return (*publications.subscribe(peer, producer, world.now))->id;
  }
  ConsumerId of(const Metadata& metadata) { return subscribe(world.join("r", metadata), camera); }
  json stats_of(const ConsumerId& id) {
    for (const json& entry : abr->stats()) {
      if (entry["consumerId"] == id.value) return entry;
    }
    return {};
  }
  double score(const ConsumerId& id) { return stats_of(id)["score"]; }
  std::string layer(const ConsumerId& id) { return stats_of(id)["currentLayer"]; }
  void report(std::string_view type, std::optional<double> count = {}, std::optional<double> bitrate = {}) {
    abr->feedback(viewer, consumer, type, count, bitrate, world.now);
  }
  /// Lets time pass in steps of the decay interval.
  void pass(Duration time) {
    for (const TimePoint end = world.now + time; world.now < end;) {
      world.now += 2s;
      abr->handle_timeout(world.now);
    }
  }
  std::size_t count(const std::string& event) const {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const auto& entry) { return entry.first == event; }));
  }
};

TEST_F(AbrFixture, the_start_depends_on_the_device) {
  const auto agent = [&](const std::string& text) { return of({{"userAgent", json(text).dump()}}); };
  for (const char* mobile : {"Mozilla/5.0 (Linux; Android 14) Mobile", "IPHONE", "something iPad"}) {
    EXPECT_EQ(score(agent(mobile)), 0.55) << mobile;
    EXPECT_EQ(stats_of(agent(mobile))["deviceType"], "mobile");
  }
  for (const char* desktop : {"Windows NT 10", "Macintosh", "X11; LINUX x86_64"}) EXPECT_EQ(score(agent(desktop)), 0.90);
  EXPECT_EQ(score(agent("curl")), 0.75);
  EXPECT_EQ(score(of({{"deviceType", "\"mobile\""}})), 0.55);
  EXPECT_EQ(score(of({{"deviceType", "\"desktop\""}})), 0.90);
  EXPECT_EQ(score(of({{"deviceType", "\"fridge\""}})), 0.75);
  EXPECT_EQ(score(of({{"deviceType", "7"}})), 0.75);
  EXPECT_EQ(score(consumer), 0.75);
  EXPECT_EQ(layer(agent("android")), "mid");
  EXPECT_EQ(layer(agent("windows")), "high");
}

TEST_F(AbrFixture, without_mobile_first_every_start_is_the_same) {
  options.mobile_first = false;
  abr->set_options(options, world.now);
  EXPECT_EQ(score(of({{"userAgent", "\"android\""}})), 0.75);
  EXPECT_EQ(score(of({{"userAgent", "\"windows\""}})), 0.75);
}

TEST_F(AbrFixture, feedback_moves_the_score_as_the_table_says) {
  report("pli");
  EXPECT_EQ(score(consumer), 0.60);
  report("nack");
  EXPECT_EQ(score(consumer), 0.55);
  report("nack", 2);
  EXPECT_EQ(score(consumer), 0.45);
  report("pli", 2);
  EXPECT_EQ(score(consumer), 0.15);
  report("remb", {}, 1'000'001);
  EXPECT_EQ(score(consumer), 0.21);
  report("remb", {}, 1'000'000);
  EXPECT_EQ(score(consumer), 0.24);
  report("remb");  // without a bitrate
  EXPECT_EQ(score(consumer), 0.24);
  report("good");
  EXPECT_EQ(score(consumer), 0.27);
  report("bad");
  EXPECT_EQ(score(consumer), 0.27);
  EXPECT_EQ(stats_of(consumer)["pliCount"], 2);
  EXPECT_EQ(stats_of(consumer)["nackCount"], 2);
}

TEST_F(AbrFixture, counts_that_are_no_counts_are_ignored) {
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    report("pli", bad);
    report("nack", bad);
  }
  EXPECT_EQ(score(consumer), 0.75);
  report("nack", 1e300);
  EXPECT_EQ(score(consumer), 0.0);
  for (int i = 0; i < 100; ++i) report("good");
  EXPECT_EQ(score(consumer), 1.0);
}

TEST_F(AbrFixture, only_the_owner_of_a_consumer_is_heard) {
  abr->feedback(publisher, consumer, "pli", {}, {}, world.now);
  abr->feedback(viewer, ConsumerId("cons-unknown"), "pli", {}, {}, world.now);
  EXPECT_EQ(score(consumer), 0.75);
}

TEST_F(AbrFixture, a_downgrade_comes_at_once_and_is_told) {
  EXPECT_EQ(ceilings[consumer], 1);
  EXPECT_TRUE(told.empty());
  report("pli", 2);
  EXPECT_EQ(ceilings[consumer], 0);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0], (json{{"type", "sfu:layer:auto"},
                           {"consumerId", consumer.value},
                           {"layer", "low"},
                           {"reason", "adaptive"},
                           {"score", 0.45}}));
  EXPECT_EQ(
      events.back(),
      (std::pair<std::string, json>{
          "layer:changed",
          {{"consumerId", consumer.value}, {"peerId", viewer.value}, {"from", "mid"}, {"to", "low"}, {"score", 0.45}}}));
}

TEST_F(AbrFixture, an_upgrade_waits_for_its_hold) {
  report("remb", {}, 2e6);  // 0.81: the hold starts
  EXPECT_EQ(layer(consumer), "mid");
  world.now += 4999ms;
  report("good");
  EXPECT_EQ(layer(consumer), "mid");
  world.now += 1ms;
  report("good");
  EXPECT_EQ(layer(consumer), "high");
  EXPECT_EQ(ceilings[consumer], 2);
  EXPECT_EQ(told.back()["layer"], "high");
}

TEST_F(AbrFixture, a_hold_is_applied_without_further_feedback) {
  report("remb", {}, 2e6);
  pass(6s);
  EXPECT_EQ(layer(consumer), "high");
}

TEST_F(AbrFixture, a_downgrade_clears_the_hold) {
  report("remb", {}, 2e6);  // hold
  report("pli", 3);         // 0.36: down to low, hold cleared
  world.now += 6s;
  report("remb", {}, 2e6);
  report("remb", {}, 2e6);
  report("remb", {}, 2e6);  // 0.54: mid again wanted, a new hold
  EXPECT_EQ(layer(consumer), "low");
}

TEST_F(AbrFixture, silence_recovers_slowly) {
  report("pli", 2);  // 0.45
  world.now += 2s;
  abr->handle_timeout(world.now);
  EXPECT_EQ(score(consumer), 0.45);  // no more than 3 s of silence
  world.now += 2s;
  abr->handle_timeout(world.now);
  EXPECT_EQ(score(consumer), 0.47);
  pass(10min);
  EXPECT_EQ(score(consumer), 1.0);
  EXPECT_EQ(layer(consumer), "high");
}

TEST_F(AbrFixture, thresholds) {
  const std::vector<std::pair<int, ReceiverScore::Level>> rows{{80, ReceiverScore::Level::high},
                                                               {79, ReceiverScore::Level::mid},
                                                               {50, ReceiverScore::Level::mid},
                                                               {49, ReceiverScore::Level::low},
                                                               {0, ReceiverScore::Level::low}};
  for (const auto& [hundredths, level] : rows) {
    // From 0.90, down by steps of 0.05 and a fraction of one.
    ReceiverScore score = ReceiverScore::of(DeviceType::desktop, true);
    score.apply(FeedbackKind::nack, (90 - hundredths) / 5.0, {});
    EXPECT_EQ(score.level(), level) << hundredths;
  }
}

TEST_F(AbrFixture, very_low_scores_hint_at_audio_only_once) {
  report("pli", 4);
  EXPECT_EQ(count("audio:only:hint"), 1U);
  report("nack");
  EXPECT_EQ(count("audio:only:hint"), 1U);
}

TEST_F(AbrFixture, active_speakers_get_the_highest_layer_and_never_the_lowest) {
  abr->report_speaker(publisher, camera, true);
  EXPECT_EQ(layer(consumer), "high");
  EXPECT_EQ(told.back(),
            (json{{"type", "sfu:layer:auto"}, {"consumerId", consumer.value}, {"layer", "high"}, {"reason", "forced"}}));
  EXPECT_EQ(stats_of(consumer)["isActiveSpeaker"], true);
  report("pli", 4);  // 0.15
  EXPECT_EQ(layer(consumer), "mid");
  abr->report_speaker(publisher, camera, false);
  report("nack");
  EXPECT_EQ(layer(consumer), "low");
}

TEST_F(AbrFixture, silence_lowers_no_layer_that_was_forced) {
  abr->set_active_speaker(camera);
  pass(4s);
  EXPECT_EQ(score(consumer), 0.77);
  EXPECT_EQ(layer(consumer), "high");
}

TEST_F(AbrFixture, screen_shares_are_protected_too) {
  EXPECT_TRUE(abr->mark_screen_share(camera));
  EXPECT_FALSE(abr->mark_screen_share(ProducerId("prod-unknown")));
  report("pli", 4);
  EXPECT_EQ(layer(consumer), "mid");
}

TEST_F(AbrFixture, protection_can_be_off) {
  options.protect_active_speaker = false;
  abr->set_options(options, world.now);
  abr->set_active_speaker(camera);
  report("pli", 4);
  EXPECT_EQ(layer(consumer), "low");
}

TEST_F(AbrFixture, with_a_policy_only_the_owner_and_moderators_say_who_speaks) {
  options.restrict_active_speaker = true;
  abr->set_options(options, world.now);
  abr->report_speaker(viewer, camera, true);
  EXPECT_EQ(stats_of(consumer)["isActiveSpeaker"], false);
  const PeerId elsewhere = world.join("other");
  abr->report_speaker(elsewhere, camera, true);
  EXPECT_EQ(stats_of(consumer)["isActiveSpeaker"], false);
  abr->report_speaker(publisher, camera, true);
  EXPECT_EQ(stats_of(consumer)["isActiveSpeaker"], true);
  world.rooms.patch_peer_metadata(viewer, {{"__role", "\"moderator\""}});
  abr->report_speaker(viewer, camera, false);
  EXPECT_EQ(stats_of(consumer)["isActiveSpeaker"], false);
}

TEST_F(AbrFixture, layers_can_be_forced) {
  EXPECT_TRUE(abr->force_layer(consumer, "low"));
  EXPECT_EQ(told.back()["reason"], "forced");
  EXPECT_FALSE(told.back().contains("score"));
  EXPECT_FALSE(abr->force_layer(consumer, "ultra"));
  EXPECT_FALSE(abr->force_layer(ConsumerId("cons-unknown"), "low"));
}

TEST_F(AbrFixture, what_is_told_is_the_lower_of_score_and_manual_ceiling) {
  ASSERT_TRUE(publications.select_layer(viewer, consumer, "low"));
  report("remb", {}, 2e6);
  world.now += 5s;
  report("good");
  EXPECT_EQ(ceilings[consumer], 2);  // the score's own; media takes the lower
  EXPECT_TRUE(told.empty());         // the result is low, as it was
  ASSERT_TRUE(publications.select_layer(viewer, consumer, "mid"));
  report("pli", 5);
  EXPECT_EQ(told.back()["layer"], "low");
}

TEST_F(AbrFixture, thresholds_act_on_the_index_of_any_layers) {
  const std::vector<std::tuple<std::size_t, int, int, int>> rows{
      {1, 0, 0, 0}, {2, 0, 1, 1}, {3, 0, 1, 2}, {4, 0, 2, 3}, {5, 0, 2, 4}};
  for (const auto& [layers, low, mid, high] : rows) {
    EXPECT_EQ(layer_of(ReceiverScore::Level::low, layers), low) << layers;
    EXPECT_EQ(layer_of(ReceiverScore::Level::mid, layers), mid) << layers;
    EXPECT_EQ(layer_of(ReceiverScore::Level::high, layers), high) << layers;
  }
  const ConsumerId custom = subscribe(viewer, publish({"q", "h", "f"}));
  EXPECT_EQ(layer(custom), "h");
}

TEST_F(AbrFixture, sound_has_a_score_but_no_layer) {
  const ConsumerId sound = subscribe(viewer, publish({}, PublicationKind::audio));
  abr->feedback(viewer, sound, "pli", 5, {}, world.now);
  EXPECT_EQ(score(sound), 0.0);
  EXPECT_FALSE(ceilings.contains(sound));
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(count("audio:only:hint"), 1U);
}

TEST_F(AbrFixture, what_ends_is_forgotten) {
  EXPECT_EQ(abr->consumers(), 1U);
  (void)publications.unsubscribe(viewer, consumer);
  EXPECT_EQ(abr->consumers(), 0U);
  EXPECT_EQ(abr->next_deadline(), never);
  consumer = subscribe(viewer, camera);
  world.leave(publisher);
  EXPECT_EQ(abr->consumers(), 0U);
}

TEST_F(AbrFixture, after_a_restart_media_is_told_every_ceiling_again) {
  make();
  ceilings.clear();
  world.bus.publish(RoomsRestored{});
  EXPECT_EQ(abr->consumers(), 1U);
  EXPECT_EQ(ceilings[consumer], 1);
}

TEST_F(AbrFixture, who_is_heard_is_protected_until_another_one_is) {
  camera = publish({"low", "mid", "high"});
  consumer = subscribe(viewer, camera);
  world.bus.publish(ActiveSpeakerChanged{RoomId("r"), publisher, ProducerId("mic"), std::nullopt});
  EXPECT_EQ(layer(consumer), "high");
  EXPECT_EQ(stats_of(consumer)["isActiveSpeaker"], true);
  report("pli", 6);
  EXPECT_EQ(layer(consumer), "mid");
  world.bus.publish(ActiveSpeakerChanged{RoomId("r"), viewer, ProducerId("other"), publisher});
  EXPECT_EQ(stats_of(consumer)["isActiveSpeaker"], false);
  report("pli", 1);
  EXPECT_EQ(layer(consumer), "low");
  // What a client said of itself does not end with what was heard.
  ASSERT_TRUE(abr->set_active_speaker(camera));
  world.bus.publish(ActiveSpeakerChanged{RoomId("r"), std::nullopt, std::nullopt, viewer});
  EXPECT_EQ(stats_of(consumer)["isActiveSpeaker"], true);
}

TEST_F(AbrFixture, who_is_heard_is_not_protected_where_that_is_off) {
  options.protect_active_speaker = false;
  make();
  camera = publish({"low", "mid", "high"});
  consumer = subscribe(viewer, camera);
  const std::string before = layer(consumer);
  world.bus.publish(ActiveSpeakerChanged{RoomId("r"), publisher, ProducerId("mic"), std::nullopt});
  EXPECT_EQ(layer(consumer), before);
}

TEST_F(AbrFixture, scores_layers_and_counts_survive_a_restart) {
  camera = publish({"low", "mid", "high"});
  consumer = subscribe(viewer, camera);
  report("pli", 2);
  report("nack", 3);
  const json before = stats_of(consumer);
  const int ceiling = ceilings[consumer];
  told.clear();
  events.clear();
  restart();
  EXPECT_EQ(stats_of(consumer), before);
  EXPECT_EQ(ceilings[consumer], ceiling);
  EXPECT_TRUE(told.empty());  // nothing has changed for the subscriber
  EXPECT_TRUE(events.empty());
}

TEST_F(AbrFixture, a_restart_prolongs_no_wait) {
  camera = publish({"low", "mid", "high"});
  consumer = subscribe(viewer, camera);
  ASSERT_EQ(layer(consumer), "mid");
  report("remb", {}, 2e6);  // 0.81: high is wanted, the hold begins
  world.now += 4s;
  restart();
  EXPECT_EQ(layer(consumer), "mid");
  world.now += 1s;
  report("good");
  EXPECT_EQ(layer(consumer), "high");
}

TEST_F(AbrFixture, a_restart_prolongs_no_silence) {
  report("pli");
  const double low = score(consumer);
  world.now += 3s;
  restart();
  pass(2s);
  EXPECT_NEAR(score(consumer), low + 0.02, 1e-9);
}

TEST_F(AbrFixture, speakers_and_screens_survive_a_restart_as_long_as_they_are_published) {
  camera = publish({"low", "mid", "high"});
  consumer = subscribe(viewer, camera);
  ASSERT_TRUE(abr->set_active_speaker(camera));
  ASSERT_TRUE(abr->mark_screen_share(camera));
  restart();
  EXPECT_EQ(stats_of(consumer)["isActiveSpeaker"], true);
  EXPECT_EQ(layer(consumer), "high");
  report("pli", 5);
  EXPECT_EQ(layer(consumer), "mid");  // protected
  EXPECT_TRUE(abr->clear_active_speaker(camera));
  restart();
  EXPECT_EQ(stats_of(consumer)["isActiveSpeaker"], false);
  EXPECT_EQ(stats_of(consumer)["targetLayer"], "mid");  // still a screen
}

TEST_F(AbrFixture, nothing_stays_in_the_log_of_what_has_ended) {
  ASSERT_TRUE(abr->set_active_speaker(camera));
  report("pli");
  EXPECT_GT(log.size(), 0U);
  world.leave(viewer);
  world.leave(publisher);
  EXPECT_EQ(log.size(), 0U);
  ASSERT_TRUE(log.put("abr/score/gone", as_bytes(std::string_view("1 2"))));
  ASSERT_TRUE(log.put("abr/speaker/gone", as_bytes(std::string_view("1"))));
  restart();
  EXPECT_EQ(log.size(), 0U);
}

TEST(ReceiverMemory, is_read_back_and_damage_is_not) {
  const ReceiverMemory memory{7312, 1, 2, true, 1'714'000'000'000, 1'714'000'000'123, 4, 5};
  const std::string row = to_row(memory);
  EXPECT_EQ(parse_receiver_memory(row), memory);
  for (std::size_t size = 0; size + 1 < row.size(); ++size) {
    const auto cut = parse_receiver_memory(row.substr(0, size));
    EXPECT_FALSE(cut && *cut == memory) << size;
  }
  for (const char* bad :
       {"", "1", "1 2 3 4 5 6 7", "10001 0 0 0 0 -1 0 0", "0 256 0 0 0 -1 0 0", "0 0 0 2 0 -1 0 0", "0 0 0 0 -1 -1 0 0",
        "0 0 0 0 0 -2 0 0", "0 0 0 0 0 0 -1 0", "0 0 0 0 0 0 0 0 ", "0 0 0 0 0 0 0 0 0", "0  0 0 0 0 0 0 0", "a"})
    EXPECT_FALSE(parse_receiver_memory(bad)) << bad;
}

}  // namespace
}  // namespace sluice
