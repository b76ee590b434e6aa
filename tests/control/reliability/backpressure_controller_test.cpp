// The levels of contract section 24, and what follows from each.
#include "control/reliability/backpressure_controller.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/support/seeded_entropy.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST(LoadLevel, follows_the_contracts_table) {
  const auto memory = [](double ratio) { return level_of({ratio, 0, 0, 0}); };
  const auto peers = [](double ratio) { return level_of({0, ratio, 0, 0}); };
  EXPECT_EQ(memory(0.599), LoadLevel::normal);
  EXPECT_EQ(memory(0.60), LoadLevel::elevated);
  EXPECT_EQ(memory(0.75), LoadLevel::high);
  EXPECT_EQ(memory(0.85), LoadLevel::critical);
  EXPECT_EQ(memory(0.95), LoadLevel::shedding);
  EXPECT_EQ(peers(0.799), LoadLevel::normal);
  EXPECT_EQ(peers(0.80), LoadLevel::elevated);
  EXPECT_EQ(peers(0.90), LoadLevel::high);
  EXPECT_EQ(peers(0.95), LoadLevel::critical);
  EXPECT_EQ(peers(1.00), LoadLevel::shedding);
  EXPECT_EQ(level_of({0.60, 0.95, 0, 0}), LoadLevel::critical) << "the highest counts";
  EXPECT_EQ(level_of({0, 0, 60, 0}), LoadLevel::elevated);
  EXPECT_EQ(level_of({0, 0, 10'000, 0}), LoadLevel::critical) << "lag alone never sheds";
  EXPECT_EQ(level_of({0, 0, 0, 1.0}), LoadLevel::critical) << "nor do busy workers";
  EXPECT_EQ(to_string(LoadLevel::shedding), "shedding");
}

struct Backpressure : ::testing::Test {
  Backpressure() { rooms.add_admission_step(controller); }
  struct Joined {
    PeerId peer;
    std::optional<JoinOutcome> outcome;
  };
  std::shared_ptr<Joined> join(const std::string& role = "") {
    auto result = std::make_shared<Joined>();
    result->peer = rooms.connect("native", "192.0.2.1");
    if (!role.empty()) roles.role = role;
    rooms.join(result->peer, RoomId("r"), {}, now,
               [result](const JoinOutcome& outcome, TimePoint) { result->outcome = outcome; });
    roles.role.clear();
    return result;
  }
  void take(double memory) {
    figures.memory = memory;
    now += 2s;
    controller.handle_timeout(now);
  }
  /// Gives joiners the role that policy would.
  struct Roles final : AdmissionStep {
    AdmissionStage stage() const override { return AdmissionStage::policy; }
    void decide(const AdmissionRequest& request, AdmissionReply reply) override {
      Admit admit;
      if (!role.empty()) admit.edits.append("__role", "\"" + role + "\"");
      reply(admit, request.now);
    }
    std::string role;
  } roles;

  TimePoint now = TimePoint{} + 1000s;
  Bus bus;
  test::SeededEntropy entropy;
  Rooms rooms{bus, entropy,
              [] {
                RoomsOptions options;
                options.max_peers_per_room = 1000;
                return options;
              }(),
              [](TimePoint) { return std::int64_t{0}; }};
  LoadSample figures;
  BackpressureController controller{rooms, bus, {}, [this] { return figures; }};
  std::vector<LoadLevel> changes;
  std::vector<std::string> posted;
  std::vector<PeerKicked> kicks;
  Bus::Subscription on_change =
      bus.subscribe<LoadChanged>([this](const LoadChanged& fact) { changes.push_back(fact.level); });
  Bus::Subscription on_post =
      bus.subscribe<PeerMessagePosted>([this](const PeerMessagePosted& fact) { posted.push_back(fact.message); });
  Bus::Subscription on_kick = bus.subscribe<PeerKicked>([this](const PeerKicked& fact) { kicks.push_back(fact); });
};

TEST_F(Backpressure, a_change_of_level_is_told_once_back_to_normal_as_well) {
  take(0.1);
  take(0.65);
  take(0.66);
  take(0.9);
  take(0.1);
  EXPECT_EQ(changes, (std::vector{LoadLevel::elevated, LoadLevel::critical, LoadLevel::normal}));
  EXPECT_EQ(controller.next_deadline(), now + 2s);
}

TEST_F(Backpressure, joins_pass_with_a_warning_at_high_and_not_at_all_from_critical_on) {
  take(0.65);
  EXPECT_TRUE(join()->outcome.value());
  EXPECT_TRUE(posted.empty());
  take(0.8);
  EXPECT_TRUE(join()->outcome.value());
  ASSERT_EQ(posted.size(), 1U);
  EXPECT_NE(posted[0].find(R"({"type":"server:warning","code":"HIGH_LOAD")"), std::string::npos);
  take(0.9);
  const auto refused = join();
  ASSERT_TRUE(refused->outcome);
  ASSERT_FALSE(*refused->outcome);
  EXPECT_EQ(refused->outcome->error().code, "JOIN_REJECTED");
  EXPECT_EQ(refused->outcome->error().message, "Server overloaded");
  EXPECT_EQ(refused->outcome->error().close_reason, "Server overloaded");
  ASSERT_EQ(posted.size(), 2U);
  EXPECT_NE(posted[1].find(R"({"type":"error","code":"SERVER_OVERLOADED")"), std::string::npos);
}

TEST_F(Backpressure, joins_can_be_delayed_at_elevated) {
  BackpressureOptions options;
  options.join_slowdown = 300ms;
  controller.set_options(options);
  take(0.65);
  const auto waiting = join();
  EXPECT_FALSE(waiting->outcome);
  EXPECT_EQ(controller.next_deadline(), now + 300ms);
  controller.handle_timeout(now + 299ms);
  EXPECT_FALSE(waiting->outcome);
  controller.handle_timeout(now + 300ms);
  ASSERT_TRUE(waiting->outcome);
  EXPECT_TRUE(*waiting->outcome);
}

TEST_F(Backpressure, connected_peers_count_against_what_the_server_is_made_for) {
  BackpressureOptions options;
  options.max_peers = 10;
  options.shedding = false;
  controller.set_options(options);
  for (int i = 0; i < 9; ++i) (void)rooms.connect("native", "192.0.2.1");
  take(0);
  EXPECT_EQ(controller.level(), LoadLevel::high);
  (void)rooms.connect("native", "192.0.2.1");
  take(0);
  EXPECT_EQ(controller.level(), LoadLevel::shedding);
  EXPECT_TRUE(kicks.empty()) << "turned off";
}

TEST_F(Backpressure, shedding_takes_five_percent_a_sample_the_least_important_first) {
  rooms.add_admission_step(roles);
  const PeerId admin = join("admin")->peer;
  const PeerId moderator = join("moderator")->peer;
  std::vector<PeerId> speakers;
  for (int i = 0; i < 36; ++i) speakers.push_back(join("speaker")->peer);
  const PeerId viewer = join("viewer")->peer;
  const PeerId outside = rooms.connect("native", "192.0.2.1");
  controller.heard(viewer, now + 1s);
  controller.heard(outside, now);
  for (const PeerId& speaker : speakers) controller.heard(speaker, now + 5s);
  controller.heard(speakers[7], now + 2s);
  take(0.96);  // of 40 peers, two
  ASSERT_EQ(kicks.size(), 2U);
  EXPECT_EQ(kicks[0].peer, outside) << "it has been quiet for longer than the viewer";
  EXPECT_EQ(kicks[1].peer, viewer);
  EXPECT_EQ(kicks[0].cause, LeaveCause::shed);
  EXPECT_EQ(kicks[0].reason, "Server load shedding. Please reconnect.");
  take(0.96);  // of 38 peers, two again
  ASSERT_EQ(kicks.size(), 4U);
  EXPECT_EQ(kicks[2].peer, speakers[7]) << "then the others, the quietest first";
  for (int i = 0; i < 40; ++i) take(0.96);
  EXPECT_EQ(rooms.peers().size(), 2U);
  EXPECT_NE(rooms.find_peer(admin), nullptr);
  EXPECT_NE(rooms.find_peer(moderator), nullptr) << "these never";
}

}  // namespace
}  // namespace sluice
