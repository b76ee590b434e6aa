#include "control/config/feature_flags.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::config {
namespace {

TEST(FeatureFlags, RoomWinsOverTenantOverGlobalOverFalse) {
  FeatureFlags flags;
  const FeatureFlags::Context context{"room", "tenant"};
  EXPECT_FALSE(flags.is_enabled("f", context));
  flags.set_global("f", true);
  EXPECT_TRUE(flags.is_enabled("f", context));
  flags.set_tenant("tenant", "f", false);
  EXPECT_FALSE(flags.is_enabled("f", context));
  flags.set_room("room", "f", true);
  EXPECT_TRUE(flags.is_enabled("f", context));
  EXPECT_FALSE(flags.is_enabled("f", {std::nullopt, "tenant"}));
  EXPECT_TRUE(flags.is_enabled("f", {"other room", "other tenant"}));
  flags.clear_room("room");
  EXPECT_FALSE(flags.is_enabled("f", context));
  flags.clear_tenant("tenant");
  EXPECT_TRUE(flags.is_enabled("f", context));
}

TEST(FeatureFlags, ResolveShowsAllKnownFlags) {
  FeatureFlags flags;
  flags.set_global("a", true);
  flags.set_tenant("t", "b", true);
  flags.set_room("r", "c", true);
  EXPECT_EQ(flags.resolve({"r", std::nullopt}), (std::map<std::string, bool>{{"a", true}, {"b", false}, {"c", true}}));
  const auto stats = flags.stats();
  EXPECT_EQ(stats.global_flags + stats.tenant_overrides + stats.room_overrides, 3U);
}

TEST(FeatureFlags, ChangesAndClearingsAreTold) {
  std::vector<FeatureFlags::Change> changes;
  FeatureFlags flags([&](const FeatureFlags::Change& change) { changes.push_back(change); });
  flags.set_room("r", "f", true);
  EXPECT_TRUE(flags.clear_room("r"));
  EXPECT_FALSE(flags.clear_room("r"));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].flag, "f");
  EXPECT_EQ(changes[0].value, true);
  EXPECT_FALSE(changes[1].flag);
}

TEST(FeatureFlags, AreBounded) {
  FeatureFlags flags;
  for (std::size_t i = 0; i < FeatureFlags::flags_max; ++i) EXPECT_TRUE(flags.set_global(std::to_string(i), true));
  EXPECT_FALSE(flags.set_global("more", true));
  EXPECT_TRUE(flags.set_global("0", false));
}

}  // namespace
}  // namespace sluice::config
