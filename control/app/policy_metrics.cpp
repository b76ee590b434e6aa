#include "control/app/policy_metrics.hpp"

#include <algorithm>

#include "control/policy/facts.hpp"

namespace sluice::app {
namespace {

template <std::size_t N>
void count(std::string_view code, const std::array<std::string_view, N>& codes, std::array<std::uint64_t, N>& counters) {
  const auto known = std::find(codes.begin(), codes.end(), code);
  if (known != codes.end()) ++counters[static_cast<std::size_t>(known - codes.begin())];
}

template <std::size_t N>
void samples(PrometheusText& out, const std::array<std::string_view, N>& codes,
             const std::array<std::uint64_t, N>& counters) {
  for (std::size_t i = 0; i < N; ++i) out.sample(counters[i], prometheus_label("code", codes[i]));
}

}  // namespace

PolicyMetrics::PolicyMetrics(FeatureContext& context, const PolicyModules& modules) : modules_(modules) {
  subscriptions_.push_back(context.bus.subscribe<PolicyViolated>(
      [this](const PolicyViolated& fact) { count(fact.code, policy_codes, policies_); }));
  // The reason of a refused room token is its code (contract section 5).
  subscriptions_.push_back(
      context.bus.subscribe<JoinRejected>([this](const JoinRejected& fact) { count(fact.reason, token_codes, tokens_); }));
  subscriptions_.push_back(context.bus.subscribe<ResidencyViolated>([this](const ResidencyViolated& fact) {
    ++regions_[fact.code == ResidencyViolated::Code::room_region_mismatch ? 0 : 1];
  }));
  context.collectors.push_back([this](PrometheusText& out) { write(out); });
}

void PolicyMetrics::write(PrometheusText& out) const {
  using enum PrometheusText::Type;
  if (modules_.room_token) {
    out.family("sluice_room_token_refusals_total", counter, "Joins refused for their room token.");
    samples(out, token_codes, tokens_);
  }
  if (modules_.residency) {
    out.family("sluice_residency_violations_total", counter, "Rooms and peers of regions that are not allowed.")
        .sample(regions_[0], R"(of="room")")
        .sample(regions_[1], R"(of="peer")");
  }
  if (!modules_.policy) return;
  out.family("sluice_policy_refusals_total", counter, "Joins refused for their policy token.");
  samples(out, policy_codes, policies_);
  out.family("sluice_policy_denials_total", counter, "What members wanted to do and may not.");
  const PolicyEngine::Denials& denials = modules_.policy->denials();
  for (std::size_t i = 0; i < denials.size(); ++i) {
    out.sample(denials[i], prometheus_label("action", to_string(static_cast<MemberAction>(i))));
  }
}

}  // namespace sluice::app
