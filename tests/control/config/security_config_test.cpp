#include "control/config/security_config.hpp"

#include <gtest/gtest.h>

#include <string>

#include "control/config/sources.hpp"

namespace sluice::config {
namespace {

using std::chrono::milliseconds;

SecurityConfig of(const std::string& yaml) {
  std::vector<std::string> warnings;
  return read_security(read_document(yaml, "test", warnings));
}
std::string error_of(const std::string& yaml) {
  try {
    (void)of(yaml);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(SecurityConfig, AttachesNothingByItself) {
  const SecurityConfig config = of("signaling: {port: 1}");
  EXPECT_TRUE(config.store.on_disk);
  EXPECT_TRUE(config.store.path.empty());
  EXPECT_FALSE(config.rate_limiter || config.threat_detector || config.backpressure || config.audit_logger);
  EXPECT_FALSE(config.session_manager || config.event_replay || config.retention_policy);
}

TEST(SecurityConfig, AModuleIsAttachedByItsKeyWithTheContractsDefaults) {
  const SecurityConfig config =
      of("{rateLimiter: {}, threatDetector: {}, backpressure: {}, auditLogger: {}, sessionManager: {}, eventReplay: {}, "
         "retentionPolicy: {}}");
  ASSERT_TRUE(config.rate_limiter && config.threat_detector && config.backpressure && config.audit_logger);
  ASSERT_TRUE(config.session_manager && config.event_replay && config.retention_policy);
  EXPECT_EQ(config.rate_limiter->connections_per_minute, 30U);
  EXPECT_EQ(config.rate_limiter->messages_per_minute, 300U);
  EXPECT_EQ(config.threat_detector->max_signals_per_sec_per_peer, 50U);
  EXPECT_EQ(config.backpressure->max_peers, 10'000U);
  EXPECT_EQ(config.audit_logger->ring_size, 10'000U);
  EXPECT_EQ(config.session_manager->ttl, milliseconds(15'000));
  EXPECT_EQ(config.session_manager->queue_max, 64U);
  EXPECT_EQ(config.event_replay->capacity, 10'000U);
  EXPECT_EQ(config.retention_policy->recording_days, 90U);
}

TEST(SecurityConfig, TheContractsTreeConfiguresModulesTooAndTheirOwnKeysWin) {
  const SecurityConfig config = of("{rateLimit: {maxMsgPerSec: 7, maxConnPerMin: 8}, rateLimiter: {maxConnPerMin: 9}}");
  ASSERT_TRUE(config.rate_limiter);
  EXPECT_EQ(config.rate_limiter->messages_per_second, 7U);
  EXPECT_EQ(config.rate_limiter->connections_per_minute, 9U);
  EXPECT_EQ(config.rate_limiter->messages_per_minute, 300U) << "what the tree does not say is the module's";
  EXPECT_TRUE(of("{compliance: {auditLog: true}}").audit_logger);
  const SecurityConfig kept = of("{compliance: {retentionDays: 7}, retentionPolicy: {recordingRetentionDays: 3}}");
  EXPECT_EQ(kept.retention_policy->recording_days, 3U);
  EXPECT_EQ(kept.retention_policy->session_days, 7U);
  EXPECT_EQ(of("{compliance: {retentionDays: 0}}").retention_policy->session_days, 36'500U) << "for ever";
}

TEST(SecurityConfig, JoinsAreLimitedByTheContractsTreeOrTheModulesOwnOptions) {
  EXPECT_EQ(of("{rateLimiter: {}}").rate_limiter->joins_per_room_per_minute, 0U) << "section 22 knows no such limit";
  const SecurityConfig tree = of("{rateLimit: {maxMsgPerSec: 7}}");
  EXPECT_EQ(tree.rate_limiter->joins_per_room_per_minute, 60U);
  EXPECT_EQ(tree.rate_limiter->joins_per_tenant_per_minute, 500U);
  const SecurityConfig both =
      of("{rateLimit: {maxJoinsPerRoomPerMin: 8, maxJoinsPerTenantPerMin: 9}, "
         "rateLimiter: {maxJoinsPerRoomPerMin: 10, maxJoinsPerTenantPerMin: 0}}");
  EXPECT_EQ(both.rate_limiter->joins_per_room_per_minute, 10U);
  EXPECT_EQ(both.rate_limiter->joins_per_tenant_per_minute, 0U) << "said to be none";
}

TEST(SecurityConfig, ThresholdsHaveTheContractsNames) {
  const SecurityConfig config =
      of("{threatDetector: {thresholds: {maxPayloadBytes: 10, idleTimeoutMs: 5, connFloodBanMs: 7}}}");
  EXPECT_EQ(config.threat_detector->max_payload_bytes, 10U);
  EXPECT_EQ(config.threat_detector->idle_timeout, milliseconds(5));
  EXPECT_EQ(config.threat_detector->conn_flood_ban, milliseconds(7));
  EXPECT_NE(error_of("{threatDetector: {thresholds: {maxpayload: 10}}}").find("maxpayload"), std::string::npos);
  EXPECT_NE(error_of("{threatDetector: {thresholds: {maxPayloadBytes: -1}}}").find("maxPayloadBytes"), std::string::npos);
  EXPECT_NE(error_of("{threatDetector: {thresholds: {maxPayloadBytes: many}}}"), "");
  EXPECT_NE(error_of("{threatDetector: {thresholds: [1]}}"), "");
}

TEST(SecurityConfig, AddressesAreCheckedAndHaveOneSpelling) {
  EXPECT_EQ(of("{rateLimiter: {whitelist: [\"::FFFF:192.0.2.1\"]}}").rate_limiter->whitelist,
            std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(of("{rateLimit: {whitelist: 192.0.2.1}}").limit_exempt, std::vector<std::string>{"192.0.2.1"});
  EXPECT_NE(error_of("{rateLimiter: {whitelist: [example.org]}}").find("example.org"), std::string::npos);
}

TEST(SecurityConfig, TheStoreCanBeTurnedOff) {
  EXPECT_FALSE(of("{store: {path: \"off\"}}").store.on_disk);
  EXPECT_EQ(of("{store: {path: /var/lib/x}}").store.path, "/var/lib/x");
}

TEST(SecurityConfig, WhatWouldLeaveADoorOpenIsRefused) {
  EXPECT_NE(error_of("{auditLogger: {filePath: /var/log/}}"), "");
  EXPECT_NE(error_of("{auditLogger: {syslog: \"tcp:x\"}}"), "");
}

}  // namespace
}  // namespace sluice::config
