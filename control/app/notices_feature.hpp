#pragma once

#include <string>
#include <vector>

#include "control/app/feature_context.hpp"
#include "control/hooks/hook_notices.hpp"

namespace sluice::app {

/// The hooks that are told: `onThreat` (contract section 23), `onExpiry` and `onPurge` (section 32), `sink` (section 25),
/// each by a URL of the configuration or by a client of the control socket.
class NoticesFeature final : public Feature {
 public:
  explicit NoticesFeature(FeatureContext& context);
  void reload(const config::ServerConfig& config) override { attach(config); }

 private:
  void attach(const config::ServerConfig& config);
  void follow();
  void write(PrometheusText& out) const;

  FeatureContext& context_;
  HookNotices notices_;
  std::vector<Hooks::Attachment> attachments_;
  std::vector<std::string> attached_;  // URLs and secret
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice::app
