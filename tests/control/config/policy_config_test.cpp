#include "control/config/policy_config.hpp"

#include <gtest/gtest.h>

#include "control/config/config_errors.hpp"
#include "control/config/sources.hpp"

namespace sluice::config {
namespace {

PolicyConfig of(const std::string& yaml) {
  std::vector<std::string> warnings;
  return read_policy(read_document(yaml, "test", warnings));
}

TEST(PolicyConfig, TheTreesRegionOfResidenceAttachesResidency) {
  EXPECT_FALSE(of("{}").data_residency);
  EXPECT_FALSE(of("{compliance: {residencyRegion: null}}").data_residency);
  EXPECT_EQ(of("{compliance: {residencyRegion: eu}}").data_residency->local_region, "eu");
  EXPECT_TRUE(of("{compliance: {residencyRegion: eu}}").data_residency->reject);
  EXPECT_EQ(of("{compliance: {residencyRegion: eu}, dataResidency: {localRegion: us}}").data_residency->local_region, "us");
  EXPECT_EQ(of("{compliance: {residencyRegion: eu}, dataResidency: {violationAction: warn}}").data_residency->local_region,
            "eu");
  EXPECT_THROW((void)of("{dataResidency: {}}"), ConfigError);
}

TEST(PolicyConfig, UrlsOfNoticesAreChecked) {
  const PolicyConfig config = of(
      "{threatDetector: {onThreatUrl: 'http://a/'}, retentionPolicy: {onExpiryUrl: 'https://b/', onPurgeUrl: 'http://c/'}}");
  EXPECT_EQ(config.on_threat_url, "http://a/");
  EXPECT_EQ(config.on_expiry_url, "https://b/");
  EXPECT_EQ(config.on_purge_url, "http://c/");
  for (const char* bad : {"{threatDetector: {onThreatUrl: ftp://a/}}", "{retentionPolicy: {onExpiryUrl: a}}",
                          "{retentionPolicy: {onPurgeUrl: 'file:///etc'}}"})
    EXPECT_THROW((void)of(bad), ConfigError) << bad;
}

}  // namespace
}  // namespace sluice::config
