// Contract partyroom, sections 1 and 8.
#include "control/signaling/partyrooms/party_url.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

Result<PartyUrl, PartyRefusal> read(const std::string& path, const std::string& query = "") {
  return read_party_url(path, query, {});
}

TEST(PartyUrl, names_the_room_in_a_long_and_a_short_form) {
  EXPECT_EQ(read("/parties/main/r", "x=1&_pk=p&y"), (PartyUrl{"r", "p", false}));
  EXPECT_EQ(read("/party/r", "_pk=p"), (PartyUrl{"r", "p", false}));
  EXPECT_EQ(read("/parties/main/r/more/segments"), (PartyUrl{"r", "", false}));
  EXPECT_EQ(read("/parties/main/r/"), (PartyUrl{"r", "", false}));
}

TEST(PartyUrl, of_an_unknown_party_or_without_a_room_is_not_found) {
  EXPECT_EQ(read("/parties/other/x").error(), (PartyRefusal{404, "Party other not found"}));
  EXPECT_EQ(read("/parties/Main/x").error(), (PartyRefusal{404, "Party Main not found"}));
  for (const std::string path : {"/", "/parties", "/parties/main", "/parties/main/", "/party", "/party/", "/partyx/r", ""})
    EXPECT_EQ(read(path).error(), (PartyRefusal{404, "Not found"})) << path;
  PartyOptions options;
  options.parties = {"main", "other"};
  EXPECT_TRUE(read_party_url("/parties/other/x", "", options));
}

TEST(PartyUrl, rooms_are_decoded_and_an_escaped_slash_is_part_of_the_name) {
  EXPECT_EQ(read("/party/a%20b")->room, "a b");
  EXPECT_EQ(read("/party/a b")->room, "a b");
  EXPECT_EQ(read("/parties/main/a%2Fb/turn"), (PartyUrl{"a/b", "", true}));
  EXPECT_EQ(read("/parties/main/a+b")->room, "a+b");
}

TEST(PartyUrl, names_are_bounded_and_utf8) {
  const std::string longest(256, 'x');
  EXPECT_TRUE(read("/party/" + longest, "_pk=" + longest));
  EXPECT_EQ(read("/party/x" + longest).error().status, 400);
  EXPECT_EQ(read("/party/r", "_pk=x" + longest).error().status, 400);
  EXPECT_EQ(read("/party/%FF").error().status, 400);
  EXPECT_EQ(read("/party/r", "_pk=%C3").error().status, 400);
}

TEST(PartyUrl, turn_is_the_segment_after_the_room) {
  EXPECT_TRUE(read("/party/r/turn")->turn);
  EXPECT_TRUE(read("/party/r/turn/x")->turn);
  EXPECT_FALSE(read("/party/turn")->turn);
  EXPECT_FALSE(read("/party/r/x/turn")->turn);
  EXPECT_FALSE(read("/party/r/turns")->turn);
}

TEST(PartyUrl, paths_of_parties_are_told_from_others) {
  for (const std::string ours : {"/parties", "/parties/other/x", "/party", "/party/r"})
    EXPECT_TRUE(is_party_path(ours)) << ours;
  for (const std::string other : {"/", "/partying/r", "/part", "/x/party/r", "party"})
    EXPECT_FALSE(is_party_path(other)) << other;
}

}  // namespace
}  // namespace sluice
