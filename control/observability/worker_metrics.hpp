#pragma once

#include <cstdint>
#include <vector>

#include "control/observability/prometheus_text.hpp"
#include "shm/channel/shared_segment.hpp"
#include "shm/types/ids.hpp"

namespace sluice {

/// One worker's public memory, read from outside at no cost to the worker.
struct WorkerView {
  WorkerId id;
  const SharedLayoutOfWorker* memory = nullptr;
};

/// All counters, live totals and the forwarding latency of the workers, labelled by worker.
void write_worker_metrics(const std::vector<WorkerView>& workers, TimePoint now, PrometheusText& out);

}  // namespace sluice
