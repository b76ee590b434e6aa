#include "control/config/config_manager.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "control/config/sources.hpp"

namespace sluice::config {
namespace {

using nlohmann::json;

TEST(ConfigManager, RunTimeWinsOverExplicitOverDefaults) {
  ConfigManager manager(json{{"signaling", {{"port", 3100}, {"pingInterval", 5000}}}});
  EXPECT_EQ(manager.get("signaling.port"), 3100);
  EXPECT_EQ(manager.get("signaling.reconnectTtl"), 0);
  manager.set("signaling.port", 3200);
  EXPECT_EQ(manager.get("signaling.port"), 3200);
  EXPECT_EQ(manager.get("signaling")["pingInterval"], 5000);  // objects are merged deeply
  EXPECT_TRUE(manager.unset("signaling.port"));
  EXPECT_FALSE(manager.unset("signaling.port"));
  EXPECT_EQ(manager.get("signaling.port"), 3100);
  EXPECT_EQ(manager.get("no.such", "fallback"), "fallback");
}

TEST(ConfigManager, TellsChangesWithTheirPrevious) {
  std::vector<ConfigManager::Change> changes;
  ConfigManager manager(json::object(), [&](const ConfigManager::Change& change) { changes.push_back(change); });
  manager.set("log.level", "debug");
  manager.set("log.level", "debug");
  manager.unset("log.level");
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].path, "log.level");
  EXPECT_EQ(changes[0].value, "debug");
  EXPECT_EQ(changes[0].previous, "info");
  EXPECT_EQ(changes[1].value, "info");
}

TEST(ConfigManager, RefusesWhatIsNoOptionOrOutOfRange) {
  ConfigManager manager(json::object());
  EXPECT_THROW(manager.set("log.colour", "red"), ConfigError);
  EXPECT_THROW(manager.set("log.level", "loud"), ConfigError);
  EXPECT_THROW(manager.set("signaling.port", 70000), ConfigError);
  EXPECT_EQ(manager.effective(), json::object());
}

TEST(ConfigManager, SecretsAreNotShown) {
  const json shown = redacted({{"adminApi", {{"adminSecret", "x"}, {"port", 4000}}},
                               {"webhooks", {{"endpoints", json::array({{{"url", "u"}, {"secret", "s"}}})}}},
                               {"signaling", {{"tls", {{"key", "/k.pem"}}}}},
                               {"tracer", {{"otlpHeaders", {{"authorization", "Bearer x"}}}}}});
  EXPECT_EQ(shown.dump().find("\"x\""), std::string::npos);
  EXPECT_EQ(shown["adminApi"]["port"], 4000);
  EXPECT_EQ(shown["webhooks"]["endpoints"][0], (json{{"url", "u"}, {"secret", "***"}}));
  EXPECT_EQ(shown["tracer"]["otlpHeaders"], "***");
}

}  // namespace
}  // namespace sluice::config
