#pragma once

#include <memory>
#include <vector>

#include "control/app/feature_context.hpp"
#include "control/sessions/replay/event_replay.hpp"
#include "control/sessions/session_manager.hpp"

namespace sluice::app {

/// Session tokens (contract section 10) and replay (section 11), as far as they are attached.
class SessionFeature final : public Feature {
 public:
  explicit SessionFeature(FeatureContext& context);
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override;
  [[nodiscard]] bool attach(std::string_view module) override;
  void attached(std::string_view module) override;
  void stop() override;

 private:
  void make_manager();
  void make_replay();
  void add_session_operations(Operations& operations);
  void add_replay_operations(Operations& operations);
  void emit_session_events();
  void emit_replay_events();

  FeatureContext& context_;
  std::unique_ptr<SessionManager> manager_;
  std::unique_ptr<EventReplay> replay_;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice::app
