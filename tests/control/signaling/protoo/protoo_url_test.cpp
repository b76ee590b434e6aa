// Contract protoo, sections 1 and 7.
#include "control/signaling/protoo/protoo_url.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

Result<ProtooUrl, ProtooRefusal> read(const std::string& path, const std::string& query = "") {
  return read_protoo_url(path, query, {});
}
const ProtooRefusal ids_missing{400, "Connection request without roomId and/or peerId"};

TEST(ProtooUrl, names_room_and_peer_in_the_query_or_the_path) {
  for (const std::string path : {"/", "/protoo", "/protoo/", "/anything/else"})
    EXPECT_EQ(read(path, "x=1&roomId=R&peerId=P"), (ProtooUrl{"R", "P", ""})) << path;
  EXPECT_EQ(read("/protoo/R/P", "token=t"), (ProtooUrl{"R", "P", "t"}));
  EXPECT_EQ(read("/protoo/P"), (ProtooUrl{std::nullopt, "P", ""}));
  EXPECT_EQ(read("/protoo/P", "roomId=R"), (ProtooUrl{"R", "P", ""}));
}

TEST(ProtooUrl, may_name_nobody_at_the_root) {
  for (const std::string path : {"/", "/protoo", "/protoo/"})
    EXPECT_EQ(read(path, "other=1"), (ProtooUrl{std::nullopt, std::nullopt, ""})) << path;
  EXPECT_EQ(read("/elsewhere").error(), ids_missing);
}

TEST(ProtooUrl, with_half_of_the_names_or_an_empty_one_is_refused) {
  for (const std::string query :
       {"roomId=R", "peerId=P", "roomId=&peerId=P", "roomId=R&peerId=", "roomId&peerId", "roomId=&peerId="})
    EXPECT_EQ(read("/", query).error(), ids_missing) << query;
  for (const std::string path : {"/protoo/R/", "/protoo//P", "/protoo/R/P/more"})
    EXPECT_EQ(read(path).error(), ids_missing) << path;
}

TEST(ProtooUrl, ids_are_decoded_and_used_verbatim) {
  EXPECT_EQ(read("/protoo/a%2Fb/J%C3%B6%20%2B+"), (ProtooUrl{"a/b", "J\xC3\xB6 ++", ""}));
  EXPECT_EQ(read("/", "roomId=a%26b&peerId=x+y%2Fz"), (ProtooUrl{"a&b", "x y/z", ""}));
}

TEST(ProtooUrl, ids_are_bounded_and_utf8) {
  const std::string longest(256, 'x');
  EXPECT_TRUE(read("/", "roomId=" + longest + "&peerId=" + longest));
  EXPECT_EQ(read("/", "roomId=R&peerId=x" + longest).error().status, 400);
  EXPECT_EQ(read("/protoo/x" + longest + "/P").error().status, 400);
  EXPECT_EQ(read("/protoo/%FF").error().status, 400);
}

ProtooUpgrade upgrade() {
  ProtooUpgrade request;
  request.raw_path = "/";
  request.query = "roomId=R&peerId=P";
  request.version = "13";
  request.subprotocols = {"other", "protoo"};
  return request;
}

TEST(ProtooUpgrade, needs_the_subprotocol_in_any_case) {
  EXPECT_TRUE(decide_protoo_upgrade(upgrade(), {}));
  ProtooUpgrade request = upgrade();
  request.subprotocols = {"PrOtOo"};
  EXPECT_TRUE(decide_protoo_upgrade(request, {}));
  EXPECT_EQ(offered_protoo(request.subprotocols), "PrOtOo");
  for (const auto& offered : {std::vector<std::string>{}, {"protoo2"}, {"protocol", "x"}}) {
    request.subprotocols = offered;
    EXPECT_EQ(decide_protoo_upgrade(request, {}).error(), (ProtooRefusal{403, "invalid/missing Sec-WebSocket-Protocol"}));
  }
}

TEST(ProtooUpgrade, needs_version_13) {
  ProtooUpgrade request = upgrade();
  request.version = "8";
  EXPECT_EQ(decide_protoo_upgrade(request, {}).error().status, 426);
}

TEST(ProtooUpgrade, checks_origins_only_against_a_list) {
  ProtooUpgrade request = upgrade();
  request.origin = "https://evil.example";
  EXPECT_TRUE(decide_protoo_upgrade(request, {}));
  ProtooOptions options;
  options.allowed_origins = {"https://good.example"};
  EXPECT_EQ(decide_protoo_upgrade(request, options).error().status, 403);
  request.origin = "https://good.example";
  EXPECT_TRUE(decide_protoo_upgrade(request, options));
}

TEST(ProtooUpgrade, takes_a_token_from_the_query_or_the_header) {
  ProtooOptions options;
  options.token = "secret";
  ProtooUpgrade request = upgrade();
  EXPECT_EQ(decide_protoo_upgrade(request, options).error().status, 403);
  request.authorization = "Bearer secret";
  EXPECT_EQ(decide_protoo_upgrade(request, options)->token, "secret");
  request.authorization = "secret";
  EXPECT_TRUE(decide_protoo_upgrade(request, options));
  request.authorization = "Bearer secreT";
  EXPECT_FALSE(decide_protoo_upgrade(request, options));
  request.query += "&token=secret";
  EXPECT_TRUE(decide_protoo_upgrade(request, options));
}

TEST(ProtooUpgrade, without_ids_is_a_bad_request) {
  ProtooUpgrade request = upgrade();
  request.query = "roomId=R";
  EXPECT_EQ(decide_protoo_upgrade(request, {}).error(), ids_missing);
}

}  // namespace
}  // namespace sluice
