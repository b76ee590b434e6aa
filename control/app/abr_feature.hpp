#pragma once

#include <memory>

#include "control/abr/adaptive_bitrate.hpp"
#include "control/app/feature_context.hpp"

namespace sluice::app {

/// AdaptiveBitrateController (contract section 17): the `__sfu` actions `feedback` and `active-speaker`, operations `abr.*`.
class AbrFeature final : public Feature {
 public:
  explicit AbrFeature(FeatureContext& context);
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override;
  void reload(const config::ServerConfig& config) override;
  [[nodiscard]] bool attach(std::string_view module) override;

 private:
  void put_into_place();
  void add_actions();
  void add_operations();
  [[nodiscard]] AdaptiveBitrateOptions options_of(const config::ServerConfig& config) const;

  FeatureContext& context_;
  std::unique_ptr<AdaptiveBitrate> abr_;  // null: not attached
};

}  // namespace sluice::app
