// What was taken from a member stays taken, whoever dies and whatever of its memory is lost.
#include <map>

#include "control/media/media.hpp"
#include "control/rooms/facts.hpp"
#include "tests/control/media/control_side.hpp"
#include "tests/control/media/offer_text.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using workers::FarSide;
using workers::LogRegion;

const RoomId room("room");
const PeerId alice("alice");
const PeerId bob("bob");

OfferText publisher() {
  return OfferText("pa").sends_audio("0").sends_video("1", {"q", "h", "f"});
}
OfferText receiver() {
  return OfferText("pb").receives_audio("0").receives_video("1");
}

/// Alice publishes, Bob receives; then one of them loses a right, and control dies somewhere in between.
struct Revocation {
  using Rows = std::map<std::string, std::vector<std::byte>, std::less<>>;
  LogRegion region;
  FarSide far;
  test::SeededEntropy entropy;
  std::optional<ControlSide> control;
  TimePoint now{1s};
  Rows before;
  Rows after;
  std::vector<std::string> changed;  // keys
  Restrictions core;                 // what the room core holds of the member

  explicit Revocation(const PeerId& who, MediaDirection direction, bool applied) : member(who) {
    control.emplace(region, std::vector{&far}, entropy);
    for (const PeerId& peer : {alice, bob}) control->bus.publish(PeerJoined{{peer, room, PeerState::joined, {}}, room});
    EXPECT_TRUE(control->media->handle_offer(alice, publisher().text(), now));
    control->bus.publish(PublicationStarted{room, alice, ProducerId("cam"), PublicationKind::video, "cam", {}, "1", {}});
    EXPECT_TRUE(control->media->handle_offer(bob, receiver().text(), now));
    control->bus.publish(
        SubscriptionStarted{room, ConsumerId("c1"), ProducerId("cam"), bob, alice, PublicationKind::video, "cam", "", {}});
    workers::run(control->workers, far, now);
    far.show_policy();
    before = rows();
    core.set(Restriction::policy, direction, true);
    control->bus.publish(PeerRestricted{member, room, core});
    after = rows();
    if (applied) {
      control->workers.push(now);  // as control does before anybody hears of it
      far.take();
      far.show_policy();
    }
    for (const auto& [key, value] : after)
      if (const auto old = before.find(key); old == before.end() || old->second != value) changed.push_back(key);
  }
  Rows rows() {
    Rows found;
    control->log.for_each([&](std::string_view key, Bytes value) {
      found.emplace(std::string(key), std::vector<std::byte>(value.begin(), value.end()));
    });
    return found;
  }
  /// Control dies. Of what it wrote last, its successor finds the rows whose bits are set in `survived`; of the core's
  /// record likewise.
  void die(unsigned survived, bool core_knows) {
    control.reset();
    LogRegion left;
    {
      StateLog log = left.open();
      for (const auto& [key, value] : before) EXPECT_TRUE(log.put(key, value));
      for (std::size_t i = 0; i < changed.size(); ++i) {
        if ((survived >> i & 1U) != 0) {
          EXPECT_TRUE(log.put(changed[i], after.at(changed[i])));
        }
      }
    }
    region = std::move(left);
    if (!core_knows) core = {};
    control.emplace(region, std::vector{&far}, entropy);
    const auto all = [](const auto&) { return true; };
    control->media->keep_only({all, all, all, [this](const PeerId& id) { return id == member ? core : Restrictions{}; },
                               [this](const PeerId& id, const Media::NewerPolicy& newer) {
                                 EXPECT_EQ(id, member);
                                 ++outdated;
                                 core.epoch = newer.epoch + 1;  // Rooms::distrust_media
                                 if (newer.send_closed) core.set(Restriction::unknown, MediaDirection::send, true);
                                 if (newer.receive_closed) core.set(Restriction::unknown, MediaDirection::receive, true);
                                 control->bus.publish(PeerRestricted{member, room, core});
                               }});
  }
  /// What the worker holds now.
  [[nodiscard]] bool flows() const {
    bool publication = false;
    bool subscription = false;
    for (const auto& [key, row] : far.rows) {
      if (key.first == 'p') publication = workers::decode_publication(row)->second.forward;
      if (key.first == 's') subscription = subscription || workers::decode_subscription(row)->second.active;
    }
    return publication && subscription;
  }
  PeerId member;
  int outdated = 0;
};

TEST(MediaPolicy, WhatWasTakenStaysTakenWhereverControlDiesAndWhateverOfItsMemoryIsLost) {
  for (const auto& [member, direction] : {std::pair(alice, MediaDirection::send), std::pair(bob, MediaDirection::receive)}) {
    const std::size_t writes = Revocation(member, direction, true).changed.size();
    ASSERT_GE(writes, 2U);
    ASSERT_LE(writes, 5U);
    for (unsigned survived = 0; survived < (1U << writes); ++survived) {
      for (const bool applied : {false, true}) {
        for (const bool core_knows : {false, true}) {
          SCOPED_TRACE(testing::Message() << "rows " << survived << " of " << writes << ", applied " << applied
                                          << ", core knows " << core_knows);
          Revocation scene(member, direction, applied);
          ASSERT_EQ(scene.flows(), !applied);
          scene.die(survived, core_knows);
          // Command by command: at no moment does it flow again.
          for (int i = 0; i < 50; ++i) {
            scene.now += 1ms;
            scene.control->workers.poll(scene.now);
            while (scene.far.take(1) != 0) ASSERT_FALSE(applied && scene.flows());
          }
          EXPECT_EQ(scene.flows(), !applied && !core_knows) << "or it was told to nobody, and never happened";
          EXPECT_EQ(scene.outdated, applied && !core_knows ? 1 : 0);
          // And by a second death, of the worker this time, whose successor hears a snapshot.
          scene.far.show_policy();
          scene.far.want_snapshot();
          workers::run(scene.control->workers, scene.far, scene.now);
          EXPECT_EQ(scene.flows(), !applied && !core_knows);
          // A decision opens it again.
          Restrictions open;
          open.epoch = scene.core.epoch + 1;
          scene.control->bus.publish(PeerRestricted{member, room, open});
          workers::run(scene.control->workers, scene.far, scene.now);
          EXPECT_TRUE(scene.flows());
        }
      }
    }
  }
}

}  // namespace
}  // namespace sluice
