#pragma once

#include <cstdint>

#include "dataplane/engine/engine.hpp"
#include "dataplane/worker/worker_channels.hpp"
#include "dataplane/worker/worker_core.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// The loop that joins engine, core and rings, on one thread. One turn: time, a bounded batch of completions, a bounded
/// batch of commands and handshake messages, due deadlines, flush, report. It sleeps only after a turn that found nothing,
/// in the one wait for sockets and doorbell, having told the rings so; a busy worker costs its senders no doorbell.
class WorkerLoop final : public EngineHandler {
 public:
  /// All outlive the loop; `core` sends into `engine`. `stop_fd` becomes readable when the loop is to end.
  WorkerLoop(Engine& engine, WorkerCore& core, WorkerChannels& channels, int stop_fd);

  /// Until `stop_fd` is readable.
  void run();
  void turn();
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }

  void on_datagram(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept override;
  void on_doorbell(std::uint32_t id) noexcept override;

 private:
  [[nodiscard]] bool prepare_to_sleep() noexcept;
  std::size_t take_commands(TimePoint now);
  std::size_t take_handshakes(TimePoint now);
  std::size_t take_relayed(TimePoint now);
  void tell_generation();
  void beat(TimePoint now);
  void report(TimePoint now);

  Engine& engine_;
  WorkerCore& core_;
  WorkerChannels& channels_;
  EngineStatistics reported_;  // what the shared counters have of the engine's
  std::uint64_t refused_ = 0;  // and of the messages that the rings' verifiers refused
  std::uint64_t told_generation_ = 0;
  std::uint64_t datagrams_ = 0;  // of this turn
  TimePoint next_report_{};
  TimePoint next_beat_{};
  bool idle_ = false;
  bool stopped_ = false;
};

}  // namespace sluice
