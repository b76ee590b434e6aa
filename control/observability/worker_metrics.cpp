#include "control/observability/worker_metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace sluice {

namespace {

std::string worker_label(WorkerId id) {
  return prometheus_label("worker", std::to_string(id.value));
}

/// How far apart two times are. The worker wrote one of them: it may be any number, and one in the future is as wrong as one
/// that is long past.
double seconds_between(TimePoint a, TimePoint b) {
  const double distance_ns =
      static_cast<double>(b.time_since_epoch().count()) - static_cast<double>(a.time_since_epoch().count());
  return std::abs(distance_ns) / 1e9;
}

/// Sums over the live tables of one worker.
struct LiveTotals {
  std::uint64_t transports = 0;
  std::uint64_t connected = 0;
  std::uint64_t publications = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t bitrate_in = 0;
  std::uint64_t bitrate_out = 0;
};

LiveTotals totals_of(const LiveTables& live) {
  LiveTotals totals;
  live.transports.for_each([&](const TransportRow& row) {
    ++totals.transports;
    if (row.state == schema::TransportState::connected) ++totals.connected;
  });
  live.publications.for_each([&](const PublicationRow& row) {
    ++totals.publications;
    for (const LayerRow& layer : row.layers) totals.bitrate_in += layer.bitrate_bps;
  });
  live.subscriptions.for_each([&](const SubscriptionRow& row) {
    ++totals.subscriptions;
    totals.bitrate_out += row.bitrate_bps;
  });
  return totals;
}

}  // namespace

void write_worker_metrics(const std::vector<WorkerView>& workers, TimePoint now, PrometheusText& out) {
  using enum PrometheusText::Type;
  std::vector<CounterSnapshot> counters;
  std::vector<LiveTotals> totals;
  for (const WorkerView& worker : workers) {
    counters.push_back(worker.memory->counters.snapshot());
    totals.push_back(totals_of(worker.memory->live));
  }
  for (std::size_t i = 0; i < counter_count; ++i) {
    const CounterInfo& first = counter_infos[i];
    // Counters of one family need not be neighbours in the list; the first of them writes them all.
    const auto* begin = counter_infos.begin();
    if (std::any_of(begin, begin + i, [&](const CounterInfo& earlier) { return earlier.family == first.family; })) continue;
    // A family of several counters is told apart by its labels, whose values say what each is.
    out.family(first.family, PrometheusText::Type::counter,
               first.labels.empty() ? first.help : "Packets dropped, by reason; docs/metrics.md explains each.");
    for (std::size_t j = i; j < counter_count; ++j) {
      const CounterInfo& counter = counter_infos[j];
      if (counter.family != first.family) continue;
      for (std::size_t w = 0; w < workers.size(); ++w) {
        const std::string labels =
            worker_label(workers[w].id) + (counter.labels.empty() ? "" : "," + std::string(counter.labels));
        out.sample(counters[w].values[j], labels);
      }
    }
  }
  const auto gauge_of = [&](std::string_view name, std::string_view help, auto member) {
    out.family(name, gauge, help);
    for (std::size_t w = 0; w < workers.size(); ++w) out.sample(totals[w].*member, worker_label(workers[w].id));
  };
  gauge_of("sluice_transports", "Peers' transports programmed on a worker.", &LiveTotals::transports);
  gauge_of("sluice_transports_connected", "Transports whose handshake is done.", &LiveTotals::connected);
  gauge_of("sluice_publications", "Publications programmed on a worker.", &LiveTotals::publications);
  gauge_of("sluice_subscriptions", "Subscriptions programmed on a worker.", &LiveTotals::subscriptions);
  gauge_of("sluice_bitrate_in_bps", "Bit/s received from publishers, all layers.", &LiveTotals::bitrate_in);
  gauge_of("sluice_bitrate_out_bps", "Bit/s sent to subscribers.", &LiveTotals::bitrate_out);
  out.family("sluice_forwarding_latency_seconds", gauge,
             "Time from receiving a packet to handing its copies to the kernel, since the worker's segment was made.");
  for (const WorkerView& worker : workers) {
    const LatencySnapshot latency = worker.memory->forwarding_latency.snapshot();
    for (const auto& [quantile, text] : {std::pair{0.5, "0.5"}, std::pair{0.99, "0.99"}, std::pair{0.999, "0.999"}}) {
      out.sample(std::chrono::duration<double>(latency.quantile(quantile)).count(),
                 worker_label(worker.id) + "," + prometheus_label("quantile", text));
    }
  }
  out.family("sluice_worker_heartbeat_age_seconds", gauge, "Time since a worker's loop last turned.");
  for (const WorkerView& worker : workers) {
    const HeartbeatReading reading = worker.memory->worker_heartbeat.read();
    out.sample(seconds_between(reading.at, now), worker_label(worker.id));
  }
}

}  // namespace sluice
