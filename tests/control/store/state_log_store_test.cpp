#include "control/store/state_log_store.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/control/store/store_rows.hpp"

namespace sluice {
namespace {

StateLog opened(const Region& region) {
  return *StateLog::open(*Region::map(region.fd(), Access::read_write));
}

TEST(StateLogStore, keeps_tables_apart_and_is_there_for_a_successor) {
  const Region region = *Region::create("store", 64 * 1024);
  {
    StateLog log = opened(region);
    ASSERT_TRUE(log.put("core/room/a", as_bytes("not ours")));
    StateLogStore store(log);
    store.put("bans", "10.0.0.1", "1");
    store.put("bans", "10.0.0.2", "2");
    store.put("bans", "10.0.0.1", "3");
    store.put("bans_more", "x", "y");
    store.erase("bans", "10.0.0.2");
    store.erase("bans", "unknown");
    bool durable = false;
    store.flush([&](bool yes) { durable = yes; });
    EXPECT_TRUE(durable);
  }
  StateLog log = opened(region);
  const StateLogStore store(log);
  EXPECT_EQ(rows(store, "bans"), (Rows{{"10.0.0.1", "3"}}));
  EXPECT_EQ(rows(store, "bans_more"), (Rows{{"x", "y"}}));
  EXPECT_EQ(rows(store, "nothing"), Rows{});
}

TEST(StateLogStore, says_that_a_change_found_no_room) {
  StateLog log = *StateLog::open(*Region::create("store", 64 * 1024));
  StateLogStore store(log);
  EXPECT_TRUE(store.statistics().healthy);
  store.put("replay", "1", std::string(60'000, 'x'));
  EXPECT_EQ(store.statistics().refused, 1U);
  EXPECT_FALSE(store.statistics().healthy);
  EXPECT_EQ(rows(store, "replay"), Rows{});
}

}  // namespace
}  // namespace sluice
