#pragma once

#include <cstdint>
#include <string>

#include "control/workers/desired_state.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/ids.hpp"

namespace sluice::workers {

/// Keeps one worker's desired state in the state log, a record per row, so that a successor goes on from exactly the rows
/// and ids that the worker has. Keys: workers/N/{t,p,s}/SLOT, workers/N/d/ID of departures, and workers/N/incarnations.
class DesiredStateStore {
 public:
  DesiredStateStore(StateLog& log, WorkerId worker);

  /// Fills an empty state. Rows whose transport is not there are dropped (a predecessor died while removing it).
  void load(DesiredState& state);

  // The current row of `id`, or its absence.
  void save(const DesiredState& state, TransportId id);
  void save(const DesiredState& state, PublicationId id);
  void save(const DesiredState& state, SubscriptionId id);
  void save_departure(const DesiredState& state, TransportId id);
  /// Before each add: keeps the stored incarnations ahead of those in use, so that an id is never given twice.
  void reserve_incarnations(const DesiredState& state);

  /// Writes that the log refused because it is full; what they said is lost with this process.
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  void put(const std::string& key, Bytes value);
  template <typename Table, typename IdType>
  void save_row(const Table& table, IdType id, char kind);
  [[nodiscard]] std::string key(char kind, std::uint32_t slot) const;

  StateLog& log_;
  std::string prefix_;
  std::uint32_t reserved_ = 0;  // incarnations below this are spoken for
  std::uint64_t failures_ = 0;
};

}  // namespace sluice::workers
