// Levels of load from real figures (threat_feature.hpp).
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "control/app/threat_feature.hpp"
#include "control/observability/log.hpp"
#include "control/reliability/memory_probe.hpp"

namespace sluice::app {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr Duration beat_period = 100ms;

BackpressureOptions options_of(const config::BackpressureConfig& config) {
  BackpressureOptions options;
  options.max_peers = config.max_peers;
  options.sample_interval = config.sample_interval;
  options.shedding = config.shedding;
  options.join_slowdown = config.join_slowdown;
  return options;
}

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

}  // namespace

BackpressureFeature::BackpressureFeature(FeatureContext& context)
    : workers_(context.workers),
      now_(context.now),
      memory_limit_(context.config.security.backpressure->memory_limit_bytes),
      cpu_(static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)))),
      expected_(context.now() + beat_period) {
  metronome_ = context.loop.every(beat_period, [this] {
    const TimePoint now = now_();
    lag_ms_ += std::max(0.0, std::chrono::duration<double, std::milli>(now - expected_).count());
    ++beats_;
    expected_ = now + beat_period;
  });
  controller_ = std::make_unique<BackpressureController>(
      context.rooms, context.bus, options_of(*context.config.security.backpressure), [this] { return probe(); });
  context.rooms.add_admission_step(*controller_);
  add_operations(context);
  EventFeed& events = context.events;
  subscriptions_.push_back(context.bus.subscribe<LoadChanged>([&events](const LoadChanged& fact) {
    log::warn("the load is at another level", {{"level", to_string(fact.level)},
                                               {"memory", fact.sample.memory},
                                               {"peers", fact.sample.peers},
                                               {"loop_lag_ms", fact.sample.loop_lag_ms},
                                               {"workers", fact.sample.workers}});
    events.emit("load:" + std::string(to_string(fact.level)), {{"level", std::string(to_string(fact.level))},
                                                               {"heapRatio", rounded(fact.sample.memory)},
                                                               {"peerRatio", rounded(fact.sample.peers)},
                                                               {"loopLagMs", rounded(fact.sample.loop_lag_ms)},
                                                               {"workerLoad", rounded(fact.sample.workers)}});
  }));
  context.collectors.push_back([this](PrometheusText& out) {
    using Type = PrometheusText::Type;
    const LoadSample& sample = controller_->sample();
    out.single("sluice_load_level", Type::gauge, "0 normal, 1 elevated, 2 high, 3 critical, 4 shedding.",
               static_cast<double>(controller_->level()));
    out.single("sluice_load_memory_ratio", Type::gauge, "Memory in use of what there is.", sample.memory);
    out.single("sluice_load_peer_ratio", Type::gauge, "Connected peers of backpressure.maxPeers.", sample.peers);
    out.single("sluice_loop_lag_seconds", Type::gauge, "By how much the turns of control's loop come late.",
               sample.loop_lag_ms / 1000);
    out.single("sluice_load_worker_ratio", Type::gauge, "Share of a core that the busiest worker uses.", sample.workers);
    out.single("sluice_peers_shed_total", Type::counter, "Peers put out to shed load.",
               static_cast<double>(controller_->shed()));
  });
}

LoadSample BackpressureFeature::probe() {
  LoadSample sample;
  const MemoryReading memory = read_memory(memory_limit_);
  memory_used_ = memory.used;
  memory_max_ = memory.limit;
  sample.memory = memory.ratio();
  sample.loop_lag_ms = beats_ == 0 ? 0 : lag_ms_ / beats_;
  lag_ms_ = 0;
  beats_ = 0;
  const TimePoint now = now_();
  std::uint32_t slot = 0;
  for (const WorkerId id : workers_.ids()) {
    // The number is written by the worker: a lying one makes only its own figure wrong.
    const std::uint32_t pid = workers_.link(id)->shared().worker_heartbeat.read().pid;
    sample.workers = std::max(sample.workers, cpu_.share(slot++, pid, now));
  }
  return sample;
}

void BackpressureFeature::handle_timeout(TimePoint now) {
  controller_->handle_timeout(now);
}

void BackpressureFeature::reload(const config::ServerConfig& config) {
  if (config.security.backpressure) controller_->set_options(options_of(*config.security.backpressure));
}

void BackpressureFeature::add_operations(FeatureContext& context) {
  context.operations.add(
      {"backpressure.status",
       "Shows the level of load and the figures behind it.",
       {},
       "{level, heapRatio, peerRatio, peerCount, maxPeers, heapUsedMb, heapTotalMb, loopLagMs, workerLoad}",
       [this](const json&, const OperationCaller&, const OperationReply& reply) {
         constexpr double mib = 1024.0 * 1024.0;
         const LoadSample& sample = controller_->sample();
         reply(json{{"level", std::string(to_string(controller_->level()))},
                    {"heapRatio", rounded(sample.memory)},
                    {"peerRatio", rounded(sample.peers)},
                    {"peerCount", controller_->peer_count()},
                    {"maxPeers", controller_->options().max_peers},
                    {"heapUsedMb", rounded(static_cast<double>(memory_used_) / mib)},
                    {"heapTotalMb", rounded(static_cast<double>(memory_max_) / mib)},
                    {"loopLagMs", rounded(sample.loop_lag_ms)},
                    {"workerLoad", rounded(sample.workers)}});
       }});
}

}  // namespace sluice::app
