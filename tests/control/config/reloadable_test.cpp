#include "control/config/reloadable.hpp"

#include <gtest/gtest.h>

#include "control/config/config_manager.hpp"
#include "control/config/option.hpp"

namespace sluice::config {
namespace {

using nlohmann::json;

ConfigView view_of(const json& explicit_tree) {
  const ConfigManager manager(explicit_tree);
  return {manager.effective(), manager.all()};
}

TEST(Reloadable, NamesWhatDiffersAndModulesThatWereAttached) {
  const ConfigView before = view_of(json{{"signaling", {{"port", 3000}, {"trustProxy", true}}}});
  const ConfigView after = view_of(json{{"signaling", {{"port", 3001}}}, {"healthMonitor", json::object()}});
  // 3000 is the default: saying so is no change.
  EXPECT_EQ(changed_options(before, after),
            (std::vector<std::string>{"signaling.port", "signaling.trustProxy", "healthMonitor"}));
  EXPECT_TRUE(changed_options(before, before).empty());
}

TEST(Reloadable, SectionsAndOptions) {
  EXPECT_TRUE(is_reloadable("webhooks.dlq.maxSize"));
  EXPECT_TRUE(is_reloadable("log.level"));
  EXPECT_TRUE(is_reloadable("rateLimit.maxJoinsPerRoomPerMin"));
  EXPECT_TRUE(is_reloadable("threatDetector.thresholds"));
  EXPECT_FALSE(is_reloadable("rateLimit.whitelist")) << "the listeners' own limits read it once";
  EXPECT_FALSE(is_reloadable("log.format"));
  EXPECT_FALSE(is_reloadable("webhooks"));
  EXPECT_FALSE(is_reloadable(""));
}

}  // namespace
}  // namespace sluice::config
