#pragma once

#include <cstddef>
#include <unordered_set>
#include <vector>

#include "control/app/feature_context.hpp"
#include "control/speakers/active_speakers.hpp"

namespace sluice::app {

/// Reads how loud publications are from the workers' live tables, and tells who is the active speaker of a room:
/// ActiveSpeakerChanged, the event `speaker:changed`. Costs nothing while nobody publishes sound.
class SpeakersFeature final : public Feature {
 public:
  explicit SpeakersFeature(FeatureContext& context);
  void restored(TimePoint now) override;
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override { return next_; }

 private:
  void arm(TimePoint now);

  FeatureContext& context_;
  ActiveSpeakers speakers_;
  std::unordered_set<ProducerId> sounds_;  // published audio
  TimePoint next_ = never;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice::app
