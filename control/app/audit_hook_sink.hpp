#pragma once

#include <memory>
#include <string>

#include "control/hooks/hook_notices.hpp"
#include "control/security/audit/audit_log.hpp"

namespace sluice::app {

/// Tells audit entries to whoever answers the hook `sink`, one by one in order. Costs nothing while nobody does. A program
/// that does not keep up loses entries: the file has them.
class AuditHookSink final : public AuditSink {
 public:
  AuditHookSink(Hooks& hooks, std::function<TimePoint()> now) : hooks_(hooks), notices_(hooks, std::move(now)) {}
  void deliver(const std::shared_ptr<const std::string>& line) override {
    if (!hooks_.attached("sink")) return;
    auto entry = nlohmann::json::parse(*line, nullptr, false);
    if (!entry.is_discarded()) notices_.tell("sink", std::move(entry));
  }

 private:
  Hooks& hooks_;
  HookNotices notices_;
};

}  // namespace sluice::app
