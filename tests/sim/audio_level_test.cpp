// How loud publications are reaches control by the live table (RFC 6464), whatever happens to the worker.
#include "tests/sim/call.hpp"

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::optional<Loudness> level_of(const Call& call, std::uint32_t member) {
  return call.world.memory.live->audio_levels.read(call.audio_of(member).id);
}

TEST(AudioLevels, ReachTheLiveTableForAuthenticatedPacketsThatAreLetThroughOnly) {
  Call call(31, 2);
  EXPECT_FALSE(level_of(call, 0));
  call.world.connect_all();
  call.world.run_for(seconds(2));
  for (const std::uint32_t member : {0U, 1U}) {
    const auto level = level_of(call, member);
    ASSERT_TRUE(level);
    EXPECT_EQ(level->below, 5);  // what simulated peers say of themselves
    EXPECT_TRUE(level->voice);
    EXPECT_GT(level->packets, 50U);
  }
  EXPECT_FALSE(call.world.memory.live->audio_levels.read(call.video_of(0).id)) << "pictures make no sound";

  // Who is muted goes on sending; its level stands still, so that it does not become the speaker.
  PublicationWish muted = call.audio_of(0);
  muted.forward = false;
  call.world.program(muted);
  const std::uint32_t packets = level_of(call, 0)->packets;
  const std::uint32_t others = level_of(call, 1)->packets;
  call.world.run_for(seconds(1));
  EXPECT_EQ(level_of(call, 0)->packets, packets);
  EXPECT_GT(level_of(call, 1)->packets, others + 20);

  // A successor goes on with the next packet.
  call.world.succeed();
  const std::uint32_t before = level_of(call, 1)->packets;
  call.world.run_for(milliseconds(500));
  EXPECT_NE(level_of(call, 1)->packets, before);
  EXPECT_LE(level_of(call, 1)->below, 10);

  // Another publication in the same slot does not inherit it.
  call.world.remove(schema::EntityKind::publication, call.audio_of(1).id.packed());
  EXPECT_FALSE(call.world.memory.live->audio_levels.read(PublicationId{call.audio_of(1).id.slot, 2}));
}

TEST(AudioLevels, NoStrangerMovesThem) {
  Call call(32, 2);
  call.world.connect_all();
  call.world.run_for(seconds(1));
  const auto before = level_of(call, 0);
  ASSERT_TRUE(before);
  // The bytes of an audio packet from its own address, but sealed by nobody.
  std::vector<std::byte> forged(200, std::byte{0x5a});
  forged[0] = std::byte{0x90};
  forged[1] = std::byte{111};
  for (int i = 0; i < 100; ++i) {
    forged[3] = static_cast<std::byte>(i);
    call.world.core.handle_datagram(call.world.now, call.members[0]->setup.tuple, forged);
  }
  EXPECT_EQ(level_of(call, 0), before);
}

}  // namespace
}  // namespace sluice::sim
