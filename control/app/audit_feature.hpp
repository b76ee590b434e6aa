#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/app/audit_hook_sink.hpp"
#include "control/app/audit_http_sink.hpp"
#include "control/app/feature_context.hpp"
#include "control/compliance/retention/retention_policy.hpp"
#include "control/security/audit/audit_log.hpp"
#include "control/security/audit/audit_trail.hpp"
#include "control/security/audit/sink_watch.hpp"
#include "control/security/audit/syslog_sink.hpp"

namespace sluice::app {

/// The audit log (contract section 25) with all that it takes down: facts of rooms, events of other modules, operations of
/// operators, whose answers wait until the log is certain.
class AuditFeature final : public Feature {
 public:
  explicit AuditFeature(FeatureContext& context);
  /// Looks whether the sinks keep up.
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override { return next_look_; }

 private:
  void take_down_events(FeatureContext& context);
  void take_down_access(Bus& bus);
  void add_operations(FeatureContext& context);
  void gate_operations(Operations& operations);
  void collect(PrometheusText& out) const;

  std::unique_ptr<AuditLog> log_;
  std::unique_ptr<SyslogSink> syslog_;
  std::unique_ptr<AuditHttpSink> http_;
  std::unique_ptr<AuditHookSink> hook_;
  std::unique_ptr<AuditTrail> trail_;
  Bus& bus_;
  SinkWatch syslog_watch_{"auditLogger.syslog"};
  SinkWatch http_watch_{"auditLogger.sinkUrl"};
  TimePoint next_look_ = never;  // without sinks
  std::unique_ptr<loop::EventLoop::Watch> watch_;
  std::unique_ptr<loop::EventLoop::Timer> begin_;
  Bus::Subscription access_;
  EventFeed::Subscription events_;
};

/// How long records may be kept (contract section 32).
class RetentionFeature final : public Feature {
 public:
  explicit RetentionFeature(FeatureContext& context);
  void handle_timeout(TimePoint now) override { policy_->handle_timeout(now); }
  [[nodiscard]] TimePoint next_deadline() const override { return policy_->next_deadline(); }

 private:
  void add_operations(Operations& operations);
  void register_by_itself(FeatureContext& context);
  void emit_events(FeatureContext& context);

  std::unique_ptr<RetentionPolicy> policy_;
  std::vector<Bus::Subscription> subscriptions_;
  EventFeed::Subscription events_;
};

}  // namespace sluice::app
