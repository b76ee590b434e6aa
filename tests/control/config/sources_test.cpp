#include "control/config/sources.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "control/config/option.hpp"
#include "control/config/server_config.hpp"

namespace sluice::config {
namespace {

using Flags = std::vector<std::pair<std::string, std::string>>;

Environment environment_of(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

nlohmann::json document(const std::string& text) {
  std::vector<std::string> warnings;
  return read_document(text, "sluice.yaml", warnings);
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

ServerConfig config_of(const Flags& flags, const std::map<std::string, std::string>& environment = {}) {
  return resolve(merge_sources(std::nullopt, environment_of(environment), flags).tree, 2);
}

TEST(ConfigSources, DefaultsAreTheContracts) {
  const ServerConfig config = config_of({});
  EXPECT_EQ(config.signaling.port, 3000);
  EXPECT_EQ(config.signaling.max_peers_per_room, 50U);
  EXPECT_EQ(config.signaling.reconnect_ttl.count(), 0);
  EXPECT_EQ(config.signaling.ping_interval.count(), 30000);
  EXPECT_EQ(config.signaling.max_message_bytes, 1048576U);
  EXPECT_EQ(config.media.port, 40000);
  EXPECT_EQ(config.workers.count, 2);
  EXPECT_EQ(config.admin_api.port, 4000);
}

TEST(ConfigSources, EveryOptionsDefaultIsOfItsOwnType) {
  for (const Option& option : all_options()) {
    if (option.fallback.empty()) continue;
    EXPECT_NO_THROW((void)read_value(option.path, std::string(option.fallback), "default")) << option.path;
  }
}

TEST(ConfigSources, AFlagWinsOverTheEnvironmentAndThatOverTheFile) {
  const std::string file = ::testing::TempDir() + "sluice_config_test.yaml";
  std::ofstream(file) << "signaling: {port: 1111, maxPeersPerRoom: 7}\nmedia:\n  port: 50000\n";
  const auto tree = merge_sources(file, environment_of({{"SLUICE_SIGNALING_PORT", "2222"}, {"SLUICE_MEDIA_PORT", "50100"}}),
                                  Flags{{"signaling.port", "3333"}})
                        .tree;
  const ServerConfig config = resolve(tree, 2);
  EXPECT_EQ(config.signaling.port, 3333);
  EXPECT_EQ(config.media.port, 50100);
  EXPECT_EQ(config.signaling.max_peers_per_room, 7U);
}

TEST(ConfigSources, EnvironmentNamesSplitAtDotsOnly) {
  EXPECT_EQ(environment_name("signaling.reconnectTtl"), "SLUICE_SIGNALING_RECONNECTTTL");
  EXPECT_EQ(environment_name("media.announced_ip"), "SLUICE_MEDIA_ANNOUNCED_IP");
  const ServerConfig config =
      config_of({}, {{"SLUICE_SIGNALING_RECONNECTTTL", "1500"}, {"SLUICE_MEDIA_ANNOUNCED_IP", "127.0.0.1"}});
  EXPECT_EQ(config.signaling.reconnect_ttl.count(), 1500);
  EXPECT_EQ(config.media.announced_ips, std::vector<std::string>{"127.0.0.1"});
}

TEST(ConfigSources, TheReferencesEnvironmentNamesWorkBelowTheModulesOwn) {
  EXPECT_EQ(config_of({}, {{"WEBRTC_ROOMS_PORT", "3100"}}).signaling.port, 3100);
  EXPECT_EQ(config_of({{"signaling.port", "3200"}}, {{"WEBRTC_ROOMS_PORT", "3100"}}).signaling.port, 3200);
}

TEST(ConfigSources, MediaWinsOverTheModuleAndTheModuleOverTheTree) {
  EXPECT_EQ(config_of({{"sfu.announcedIp", "10.0.0.1"}}).media.announced_ips[0], "10.0.0.1");
  EXPECT_EQ(config_of({{"sfu.announcedIp", "10.0.0.1"}, {"nativeSfu.announcedIp", "10.0.0.2"}}).media.announced_ips[0],
            "10.0.0.2");
  EXPECT_EQ(config_of({{"nativeSfu.announcedIp", "10.0.0.2"}, {"media.announced_ip", "[10.0.0.3, \"2001:db8::1\"]"}})
                .media.announced_ips,
            (std::vector<std::string>{"10.0.0.3", "2001:db8::1"}));
}

TEST(ConfigSources, AnUnknownOptionNamesTheNearestOne) {
  const std::string error = error_of([] { config_of({{"signaling.prot", "1"}}); });
  EXPECT_NE(error.find("'signaling.prot'"), std::string::npos) << error;
  EXPECT_NE(error.find("did you mean 'signaling.port'"), std::string::npos) << error;
  EXPECT_NE(error_of([] { document("signalling:\n  port: 3000\n"); }), "");
  EXPECT_NE(error_of([] { document("signaling:\n  foo: 3000\n"); }), "");
}

TEST(ConfigSources, ValuesAreCheckedWithTheirPathNamed) {
  EXPECT_NE(error_of([] { config_of({{"signaling.port", "70000"}}); }).find("0 to 65535"), std::string::npos);
  EXPECT_NE(error_of([] { config_of({{"signaling.port", "abc"}}); }), "");
  EXPECT_NE(error_of([] { config_of({{"media.engine", "epoll"}}); }), "");
  EXPECT_NE(error_of([] { config_of({{"media.announced_ip", "example.org"}}); }), "");
  EXPECT_NE(error_of([] { config_of({{"workers.cores", "[0, 0]"}}); }), "");
  EXPECT_NE(error_of([] { config_of({{"workers.cores", "9"}}); }).find("cores 0 to 1"), std::string::npos);
  EXPECT_NE(error_of([] { config_of({{"signaling.tls.cert", "a.pem"}}); }).find("'key' is missing"), std::string::npos);
  EXPECT_NE(error_of([] { config_of({{"adminApi.host", "0.0.0.0"}}); }).find("adminSecret"), std::string::npos);
  EXPECT_NE(error_of([] { document("a: [1"); }).find("line"), std::string::npos);
}

TEST(ConfigSources, ModulesThatAreNotBuiltWarn) {
  std::vector<std::string> warnings;
  (void)read_document("recording: {outputDir: /tmp}\nredisAdapter: {url: x}\n", "f", warnings);
  EXPECT_EQ(warnings.size(), 2U);
}

TEST(ConfigSources, AModuleIsAttachedByItsKey) {
  EXPECT_TRUE(attached(nlohmann::json::object(), "nativeSfu")) << "on without any configuration";
  EXPECT_FALSE(attached(nlohmann::json::object(), "drain"));
  EXPECT_TRUE(attached(document("drain: {}"), "drain"));
  EXPECT_TRUE(attached(document("drain:"), "drain")) << "an empty section counts";
  EXPECT_TRUE(attached(document("drain: true"), "drain"));
  EXPECT_TRUE(attached(document("drain: {onSigterm: 5}"), "drain"));
  EXPECT_FALSE(attached(document("drain: false"), "drain"));
  EXPECT_FALSE(attached(document("nativeSfu: false"), "nativeSfu"));
  EXPECT_FALSE(attached(merge_sources(std::nullopt, environment_of({}), Flags{{"adminApi", "false"}}).tree, "adminApi"));
}

TEST(ConfigSources, JsonIsYamlAndAModuleCanBeTurnedOff) {
  EXPECT_EQ(resolve(document(R"({"signaling": {"port": 3456}, "nativeSfu": false})"), 2).signaling.port, 3456);
  EXPECT_FALSE(resolve(document(R"({"nativeSfu": false})"), 2).native_sfu.enabled);
}

TEST(Configuration, WhatIsTakenWithoutEffectIsSaidOnce) {
  const Environment none = environment_of({});
  const auto warnings = [&](const Flags& flags) { return merge_sources(std::nullopt, none, flags).warnings; };
  EXPECT_TRUE(warnings({{"region.multiRegion", "false"}, {"sfu.adapter", "native"}}).empty());
  EXPECT_EQ(warnings({{"region.multiRegion", "true"}}).size(), 1U);
  EXPECT_EQ(warnings({{"sfu.adapter", "mediasoup"}, {"region.multiRegion", "true"}}).size(), 2U);
  EXPECT_THROW((void)warnings({{"sfu.adapter", "janus"}}), ConfigError);
}

}  // namespace
}  // namespace sluice::config
