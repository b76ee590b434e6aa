#include "control/app/security_features.hpp"

#include <memory>
#include <string_view>
#include <utility>

#include "control/app/audit_feature.hpp"
#include "control/app/join_limit_feature.hpp"
#include "control/app/notices_feature.hpp"
#include "control/app/session_feature.hpp"
#include "control/app/threat_feature.hpp"

namespace sluice::app {
namespace {

void add_store_operations(FeatureContext& context) {
  using nlohmann::json;
  context.operations.add({"store.status",
                          "Figures and health of lasting state.",
                          {},
                          "{onDisk, healthy, problem, puts, erases, commits, failedCommits, refused, waiting, setAside}",
                          [&store = context.store](const json&, const OperationCaller&, const OperationReply& reply) {
                            const StoreStatistics statistics = store.statistics();
                            reply(json{{"onDisk", statistics.on_disk},
                                       {"healthy", statistics.healthy},
                                       {"problem", statistics.problem},
                                       {"puts", statistics.puts},
                                       {"erases", statistics.erases},
                                       {"commits", statistics.commits},
                                       {"failedCommits", statistics.failed_commits},
                                       {"refused", statistics.refused},
                                       {"waiting", statistics.waiting},
                                       {"setAside", statistics.set_aside}});
                          }});
  context.collectors.push_back([&store = context.store](PrometheusText& out) {
    using Type = PrometheusText::Type;
    const StoreStatistics statistics = store.statistics();
    const auto figure = [](std::uint64_t value) { return static_cast<double>(value); };
    out.single("sluice_store_healthy", Type::gauge, "0: lasting state cannot be written; calls go on.",
               statistics.healthy ? 1 : 0);
    out.single("sluice_store_changes_total", Type::counter, "Changes of lasting state.",
               figure(statistics.puts + statistics.erases));
    out.single("sluice_store_commits_total", Type::counter, "Groups of changes that reached the disk.",
               figure(statistics.commits));
    out.single("sluice_store_failed_commits_total", Type::counter, "Attempts that the disk refused; they are repeated.",
               figure(statistics.failed_commits));
    out.single("sluice_store_refused_total", Type::counter, "Changes dropped because too many waited.",
               figure(statistics.refused));
    out.single("sluice_store_unjournaled_total", Type::counter, "Changes that a death of control could have lost.",
               figure(statistics.unjournaled));
    out.single("sluice_store_waiting", Type::gauge, "Changes that are not on the disk yet.", figure(statistics.waiting));
    out.single("sluice_store_files_set_aside_total", Type::counter, "Damaged files that were renamed and replaced.",
               figure(statistics.set_aside));
  });
}

/// Makes what may be attached at any time and is a feature of its own.
class LaterSecurity final : public Feature {
 public:
  /// All borrowed for life.
  LaterSecurity(FeatureContext& context, Features& features, ThreatFeature& threats)
      : context_(context), features_(features), threats_(threats) {}

  [[nodiscard]] bool attach(std::string_view module) override {
    if (module == "auditLogger") {
      features_.push_back(std::make_unique<AuditFeature>(context_));
    } else if (module == "retentionPolicy") {
      features_.push_back(std::make_unique<RetentionFeature>(context_));
    } else if (module == "backpressure") {
      auto feature = std::make_unique<BackpressureFeature>(context_);
      threats_.set_backpressure(feature->controller());
      features_.push_back(std::move(feature));
    } else {
      return false;
    }
    return true;
  }

 private:
  FeatureContext& context_;
  Features& features_;
  ThreatFeature& threats_;
};

}  // namespace

void add_security_features(FeatureContext& context, Features& features) {
  const config::SecurityConfig& config = context.config.security;
  add_store_operations(context);
  // The audit log first: it takes down what the others find out.
  if (config.audit_logger) features.push_back(std::make_unique<AuditFeature>(context));
  features.push_back(std::make_unique<SessionFeature>(context));
  features.push_back(std::make_unique<JoinLimitFeature>(context));
  auto threats = std::make_unique<ThreatFeature>(context);
  context.guard = threats.get();
  context.native.set_guard(*threats);
  auto rest = std::make_unique<LaterSecurity>(context, features, *threats);
  features.push_back(std::move(threats));
  if (config.backpressure) (void)rest->attach("backpressure");
  if (config.retention_policy) (void)rest->attach("retentionPolicy");
  features.push_back(std::move(rest));
  features.push_back(std::make_unique<NoticesFeature>(context));
}

}  // namespace sluice::app
