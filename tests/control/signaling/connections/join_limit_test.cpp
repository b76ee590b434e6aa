#include "control/signaling/connections/join_limit.hpp"

#include "tests/control/signaling/native/native_harness.hpp"

namespace sluice::testing_native {
namespace {

constexpr TimePoint start = TimePoint{} + 1h;

TEST(JoinLimit, counts_each_address_by_the_second) {
  JoinLimit limit(2);
  EXPECT_TRUE(limit.admit("192.0.2.1", start));
  EXPECT_TRUE(limit.admit("192.0.2.1", start + 999ms));
  EXPECT_FALSE(limit.admit("192.0.2.1", start + 999ms));
  EXPECT_TRUE(limit.admit("2001:db8::1", start + 999ms));
  EXPECT_TRUE(limit.admit("192.0.2.1", start + 1s));
}

TEST(JoinLimit, leaves_loopback_alone_and_forgets_addresses) {
  JoinLimit limit(1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(limit.admit("127.0.0.1", start));
    EXPECT_TRUE(limit.admit("::1", start));
    EXPECT_TRUE(limit.admit("192.0.2." + std::to_string(i), start));
  }
  EXPECT_EQ(limit.addresses(), 100U);
  EXPECT_TRUE(limit.admit("192.0.2.1", start + 1s));
  EXPECT_EQ(limit.addresses(), 1U);
  JoinLimit told(1, {"192.0.2.1"});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(told.admit("192.0.2.1", start));
  EXPECT_TRUE(told.admit("192.0.2.2", start));
  EXPECT_FALSE(told.admit("192.0.2.2", start));
  JoinLimit off(0);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(off.admit("192.0.2.1", start));
}

TEST(JoinLimit, answers_a_join_too_many_and_keeps_the_socket_for_the_next) {
  Server server;
  for (int i = 0; i < 20; ++i) server.join("r" + std::to_string(i));
  const auto late = server.open();
  server.send(late, R"({"type":"join","roomId":"r"})");
  const Json refused = server.next(late);
  EXPECT_EQ(refused["type"], "error");
  EXPECT_EQ(refused["code"], "RATE_LIMITED");
  EXPECT_FALSE(server.closed(late));
  EXPECT_EQ(server.rooms.find_room(RoomId("r")), nullptr);
  server.pass(1s);
  server.send(late, R"({"type":"join","roomId":"r"})");
  EXPECT_EQ(server.next(late)["type"], "room:joined");
}

}  // namespace
}  // namespace sluice::testing_native
