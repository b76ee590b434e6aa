#include "control/signaling/room_names/room_names.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

RoomNames bridged(const BridgeGroups& groups) {
  auto names = RoomNames::bridging(groups);
  EXPECT_TRUE(names) << names.error();
  return *names;
}

TEST(RoomNames, dialects_have_rooms_of_their_own_but_native_and_whip) {
  const RoomNames names;
  EXPECT_EQ(names.id("native", "r"), RoomId("r"));
  EXPECT_EQ(names.id("whip", "r"), RoomId("r"));
  EXPECT_EQ(names.id("protoo", "r"), RoomId("protoo:r"));
  EXPECT_EQ(names.id("rtcio", "r"), RoomId("rtcio:r"));
  EXPECT_EQ(names.id("wrtcSignal", "r"), RoomId("wrtcSignal:r"));
  EXPECT_EQ(names.id("partyRooms", "r"), RoomId("partyRooms:r"));
}

TEST(RoomNames, a_plain_name_with_a_dialects_prefix_is_escaped) {
  const RoomNames names;
  EXPECT_EQ(names.id("native", "protoo:r"), RoomId("native:protoo:r"));
  EXPECT_EQ(names.id("native", "native:r"), RoomId("native:native:r"));
  EXPECT_EQ(names.id("whip", "whip:"), RoomId("native:whip:"));
  for (const std::string plain : {"Protoo:r", "protoo", "x:y", ":", "", "xprotoo:r", "rtc", "nativ:e"})
    EXPECT_EQ(names.id("native", plain), RoomId(plain));
}

TEST(RoomNames, bridged_dialects_share_rooms) {
  const RoomNames all = bridged({{"protoo", "native", "partyRooms"}, {"rtcio", "wrtcSignal"}});
  EXPECT_EQ(all.id("protoo", "r"), all.id("native", "r"));
  EXPECT_EQ(all.id("partyRooms", "protoo:r"), RoomId("native:protoo:r"));
  EXPECT_EQ(all.id("wrtcSignal", "r"), RoomId("rtcio:r"));
  EXPECT_EQ(all.id("whip", "r"), RoomId("whip:r"));
  EXPECT_EQ(all.name("wrtcSignal", RoomId("rtcio:r")), "r");
  EXPECT_EQ(bridged({}).id("whip", "r"), RoomId("whip:r"));
}

TEST(RoomNames, a_dialect_cannot_name_rooms_of_others) {
  const RoomNames names;
  EXPECT_EQ(names.name("native", RoomId("protoo:r")), std::nullopt);
  EXPECT_EQ(names.name("protoo", RoomId("r")), std::nullopt);
  EXPECT_EQ(names.name("protoo", RoomId("rtcio:r")), std::nullopt);
  EXPECT_EQ(names.name("native", RoomId("native:r")), std::nullopt);  // no name is escaped to this
  EXPECT_EQ(plain_room_name(RoomId("protoo:r")), "protoo:r");
}

TEST(RoomNames, unknown_and_repeated_dialects_are_refused) {
  EXPECT_EQ(RoomNames::bridging({{"native", "whap"}}).error(), "there is no dialect 'whap'");
  EXPECT_EQ(RoomNames::bridging({{"native", "whip"}, {"whip", "rtcio"}}).error(), "'whip' is named twice");
  EXPECT_EQ(RoomNames::bridging({{"rtcio", "rtcio"}}).error(), "'rtcio' is named twice");
}

// Whatever clients choose: two clients meet exactly if their names are equal and their dialects bridged, and each sees its
// own name.
TEST(RoomNames, names_are_injective_and_round_trip_under_any_bridge) {
  std::mt19937 random(11);
  const auto below = [&](std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random); };
  std::vector<std::string> pieces = {":", "", "r", "\xC3\xA9", "%", " ", std::string(1, '\0')};
  for (const std::string_view dialect : dialect_names) {
    pieces.emplace_back(dialect);
    pieces.push_back(std::string(dialect) + ':');
  }
  for (int round = 0; round < 300; ++round) {
    BridgeGroups groups(below(4));
    std::map<std::string, std::size_t> group_of;
    for (const std::string_view dialect : dialect_names) {
      const std::size_t group = below(groups.size() + 1);
      if (group < groups.size()) groups[group].emplace_back(dialect);
      group_of[std::string(dialect)] = group < groups.size() ? group : 100 + group_of.size();
    }
    const RoomNames names = bridged(groups);
    std::map<RoomId, std::pair<std::size_t, std::string>> meaning;
    for (int i = 0; i < 60; ++i) {
      std::string name;
      for (std::size_t n = below(5); n > 0; --n) name += pieces[below(pieces.size())];
      for (const std::string_view dialect : dialect_names) {
        const RoomId room = names.id(dialect, name);
        ASSERT_EQ(names.name(dialect, room), name) << dialect;
        const std::pair<std::size_t, std::string> client{group_of[std::string(dialect)], name};
        const auto [known, fresh] = meaning.emplace(room, client);
        ASSERT_EQ(known->second, client) << room << " of two kinds";
      }
      ASSERT_EQ(names.id("native", name), plain_room_id(name));
      ASSERT_EQ(plain_room_name(plain_room_id(name)), name);
    }
    std::set<std::pair<std::size_t, std::string>> distinct;
    for (const auto& [room, client] : meaning)
      ASSERT_TRUE(distinct.insert(client).second) << "one client's room has two ids";
  }
}

}  // namespace
}  // namespace sluice
