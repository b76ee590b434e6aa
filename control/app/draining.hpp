#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "control/api/upkeep.hpp"
#include "control/media/media.hpp"
#include "control/rooms/admission.hpp"
#include "control/rooms/rooms.hpp"
#include "control/workers/workers.hpp"
#include "shm/state_log/state_log.hpp"

namespace sluice::app {

/// Empties workers, or the whole server, without disturbing those who are in a call. What was asked for survives a death of
/// control.
class Draining final : public Upkeep, private AdmissionStep {
 public:
  /// All borrowed for life; `media` may be null (a server without media). `now` reads the loop's clock.
  Draining(Rooms& rooms, workers::Workers& workers, Media* media, StateLog& log, std::function<TimePoint()> now);

  /// Begins the next moves. True when the server is to end. In every turn of the loop.
  [[nodiscard]] bool turn(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;

  [[nodiscard]] std::vector<WorkerState> workers() const override;
  Result<void, Refusal> migrate(const RoomId& room, WorkerId to) override;
  Result<void, Refusal> drain_worker(WorkerId worker, bool undo) override;
  void drain_server(std::optional<Duration> deadline, bool undo) override;
  [[nodiscard]] DrainState draining() const override;

 private:
  [[nodiscard]] AdmissionStage stage() const override { return AdmissionStage::backpressure; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override;
  [[nodiscard]] std::optional<WorkerId> least_loaded() const;
  void empty(TimePoint now, WorkerId worker);
  void store();

  Rooms& rooms_;
  workers::Workers& workers_;
  Media* media_;
  StateLog& log_;
  std::function<TimePoint()> now_;
  bool draining_ = false;
  bool ending_ = false;
  TimePoint deadline_ = never;
  std::map<RoomId, TimePoint> not_before_;  // rooms that could not be moved
  bool waiting_ = false;                    // rooms are left on draining workers
};

}  // namespace sluice::app
