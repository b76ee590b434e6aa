#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "control/workers/desired_state.hpp"
#include "control/workers/desired_state_store.hpp"
#include "control/workers/media_plane.hpp"
#include "control/workers/placement.hpp"
#include "control/workers/worker_link.hpp"
#include "shm/counters/counter_block.hpp"
#include "shm/live/live_tables.hpp"
#include "shm/state_log/state_log.hpp"

namespace sluice::workers {

/// All workers of this machine behind one MediaPlane. What it is told goes into the state log at once and to the worker at
/// the next poll. A new process that attaches the same workers with the same log goes on with the same ids: its first
/// snapshot is what the workers already have, so nothing is disturbed.
class Workers final : public MediaPlane {
 public:
  /// `log` is borrowed for life. A worker with `rooms_per_worker_max` rooms gets more only when all have as many.
  explicit Workers(StateLog& log, std::uint32_t rooms_per_worker_max = std::numeric_limits<std::uint32_t>::max());

  /// Adds a worker with its restored desired state, or gives a known one a new channel (its segment was made anew). Attach
  /// all workers before the first place_room.
  void attach(WorkerInfo info, WorkerChannel channel);

  /// Takes in events and sends what is due, for all workers.
  void poll(TimePoint now);
  /// When poll should be called though no bell rang; `never` when idle. Every mutation makes it due at once.
  [[nodiscard]] TimePoint next_deadline() const;
  /// To be polled for reading; -1 for an unknown worker.
  [[nodiscard]] int event_fd(WorkerId worker) const;
  /// Puts what has changed into the command rings now, not at the end of the turn: after this the workers will do it, though
  /// this process die. Takes no events.
  void push(TimePoint now);
  /// Before the loop waits. False: poll again first.
  [[nodiscard]] bool prepare_to_sleep();

  std::optional<WorkerId> place_room(std::string_view room) override;
  void release_room(std::string_view room) override;
  [[nodiscard]] std::optional<WorkerId> worker_of(std::string_view room) const override { return placement_.find(room); }
  bool move_room(std::string_view room, WorkerId to) override;
  [[nodiscard]] const WorkerInfo* info(WorkerId worker) const override;
  std::optional<TransportId> add_transport(WorkerId worker, TransportSpec spec) override;
  bool update_transport(WorkerId worker, TransportId id, TransportSpec spec) override;
  bool remove_transport(WorkerId worker, TransportId id) override;
  std::optional<PublicationId> add_publication(WorkerId worker, PublicationSpec spec) override;
  bool update_publication(WorkerId worker, PublicationId id, PublicationSpec spec) override;
  bool remove_publication(WorkerId worker, PublicationId id) override;
  std::optional<SubscriptionId> add_subscription(WorkerId worker, SubscriptionSpec spec) override;
  bool update_subscription(WorkerId worker, SubscriptionId id, SubscriptionSpec spec) override;
  bool remove_subscription(WorkerId worker, SubscriptionId id) override;
  [[nodiscard]] const TransportSpec* transport(WorkerId worker, TransportId id) const override;
  [[nodiscard]] const PublicationSpec* publication(WorkerId worker, PublicationId id) const override;
  [[nodiscard]] const SubscriptionSpec* subscription(WorkerId worker, SubscriptionId id) const override;
  [[nodiscard]] std::optional<PolicyMark> policy_of(WorkerId worker, PublicationId id) const override;
  [[nodiscard]] std::optional<PolicyMark> policy_of(WorkerId worker, SubscriptionId id) const override;
  [[nodiscard]] Rows rows(WorkerId worker) const override;
  [[nodiscard]] std::vector<WorkerId> ids() const override;
  [[nodiscard]] bool settled(WorkerId worker) const override;
  [[nodiscard]] std::optional<TransportPhase> phase(WorkerId worker, TransportId id) const override;
  void depart(WorkerId worker, TransportId id, DepartureSpec spec) override;
  bool remove_departure(WorkerId worker, TransportId id) override;
  [[nodiscard]] std::vector<TransportId> departures(WorkerId worker) const override;
  void request_key_frame(WorkerId worker, PublicationId id) override;
  void set_listener(MediaPlaneListener* listener) override { listener_ = listener; }

  // For statistics, read from shared memory at no cost to the worker; nullptr for an unknown worker.
  [[nodiscard]] const LiveTables* live(WorkerId worker) const;
  [[nodiscard]] std::optional<CounterSnapshot> counters(WorkerId worker) const;
  [[nodiscard]] const WorkerLink* link(WorkerId worker) const;
  /// For the loop: beats control's heartbeat.
  [[nodiscard]] WorkerLink* link(WorkerId worker);
  [[nodiscard]] const DesiredState* desired(WorkerId worker) const;
  [[nodiscard]] std::uint32_t rooms_on(WorkerId worker) const { return placement_.rooms_on(worker); }
  /// A closed worker gets no new rooms as long as another is open. Durable.
  void close(WorkerId worker, bool closed);
  [[nodiscard]] bool is_closed(WorkerId worker) const { return placement_.is_closed(worker); }
  [[nodiscard]] std::vector<std::string> rooms_of(WorkerId worker) const { return placement_.rooms_of(worker); }
  /// Writes that the state log refused because it is full.
  [[nodiscard]] std::uint64_t store_failures() const;

 private:
  struct Worker {
    Worker(WorkerInfo worker_info, StateLog& log);
    WorkerInfo info;
    DesiredState state;
    DesiredStateStore store;
    std::unique_ptr<WorkerLink> link;
  };
  [[nodiscard]] Worker* find(WorkerId worker) const;
  void restore_rooms();
  void next_epoch();
  template <typename IdType, typename Spec>
  std::optional<IdType> add(WorkerId worker, Spec spec);
  template <typename IdType, typename Spec>
  bool update(WorkerId worker, IdType id, Spec spec);
  template <typename IdType>
  bool remove(WorkerId worker, IdType id);

  StateLog& log_;
  std::uint32_t epoch_ = 0;
  std::map<WorkerId, std::unique_ptr<Worker>> workers_;
  Placement placement_;
  MediaPlaneListener* listener_ = nullptr;
  std::uint64_t store_failures_ = 0;
  bool dirty_ = false;
};

}  // namespace sluice::workers
