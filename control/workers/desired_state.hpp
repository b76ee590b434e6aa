#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "control/workers/specs.hpp"
#include "shm/types/ids.hpp"

namespace sluice::workers {

/// Rows of a worker's tables; the same numbers as the worker's live tables are laid out for.
struct TableSizes {
  std::uint32_t transports = 0;
  std::uint32_t publications = 0;
  std::uint32_t subscriptions = 0;
};

/// The rows of one kind: who is where, and what changed since it was last taken. Slots are reused, lowest first; an
/// incarnation is never used twice in the life of the shared segments, also not after a restart (see next_incarnation).
template <typename IdType, typename Spec>
class DesiredTable {
 public:
  explicit DesiredTable(std::uint32_t size);

  /// Nothing when every slot is taken.
  std::optional<IdType> add(Spec spec);
  /// False for an unknown id. An equal spec changes nothing.
  bool update(IdType id, Spec spec);
  bool remove(IdType id);
  /// Puts back a row as it was before a restart: not a change. False when the slot does not exist or is taken.
  bool restore(IdType id, Spec spec);

  [[nodiscard]] const Spec* find(IdType id) const;
  [[nodiscard]] const std::map<std::uint32_t, std::pair<IdType, Spec>>& rows() const { return rows_; }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(rows_.size()); }

  [[nodiscard]] std::uint32_t next_incarnation() const { return next_incarnation_; }
  void set_next_incarnation(std::uint32_t next) { next_incarnation_ = next == 0 ? 1 : next; }

  struct Changes {
    std::vector<IdType> removed;
    std::vector<IdType> upserted;  // in order of slots
    [[nodiscard]] bool empty() const { return removed.empty() && upserted.empty(); }
  };
  [[nodiscard]] bool changed() const { return !dirty_.empty() || !removed_.empty(); }
  /// What is to be told since the last call. A row that came and went in between is not mentioned.
  Changes take_changes();

 private:
  std::map<std::uint32_t, std::pair<IdType, Spec>> rows_;  // by slot
  std::set<std::uint32_t> free_below_;                     // freed slots below first_unused_
  std::uint32_t first_unused_ = 0;
  std::uint32_t table_size_;
  std::uint32_t next_incarnation_ = 1;
  std::set<std::uint32_t> dirty_;  // slots
  std::set<IdType> never_told_;    // of the dirty ones: the worker does not know them yet
  std::vector<IdType> removed_;
};

/// Everything that one worker shall do, and the difference to what it was told. Pure; references between rows are kept
/// sound: removing a transport removes its publications and subscriptions, removing a publication empties the
/// subscriptions it filled.
class DesiredState {
 public:
  using Transports = DesiredTable<TransportId, TransportSpec>;
  using Publications = DesiredTable<PublicationId, PublicationSpec>;
  using Subscriptions = DesiredTable<SubscriptionId, SubscriptionSpec>;

  explicit DesiredState(const TableSizes& sizes);

  std::optional<TransportId> add(TransportSpec spec);
  /// Nothing also when the transport does not exist.
  std::optional<PublicationId> add(PublicationSpec spec);
  std::optional<SubscriptionId> add(SubscriptionSpec spec);
  bool update(TransportId id, TransportSpec spec);
  /// The transport of a row never changes: false when `spec` names another.
  bool update(PublicationId id, PublicationSpec spec);
  bool update(SubscriptionId id, SubscriptionSpec spec);

  /// What a removal took along; for whoever keeps a copy of the rows.
  struct Removed {
    bool found = false;
    std::vector<PublicationId> publications;
    std::vector<SubscriptionId> subscriptions;
    std::vector<SubscriptionId> emptied;  // subscriptions that stay, without a source
  };
  Removed remove(TransportId id);
  Removed remove(PublicationId id);
  Removed remove(SubscriptionId id);

  /// The transport that was `id` here has left; true when that is news. It is removed separately.
  bool set_departure(TransportId id, DepartureSpec spec);
  bool remove_departure(TransportId id);
  /// As it was before a restart: not a change.
  void restore_departure(TransportId id, DepartureSpec spec) { departures_.insert_or_assign(id, std::move(spec)); }
  [[nodiscard]] const std::map<TransportId, DepartureSpec>& departures() const { return departures_; }

  [[nodiscard]] Transports& transports() { return transports_; }
  [[nodiscard]] Publications& publications() { return publications_; }
  [[nodiscard]] Subscriptions& subscriptions() { return subscriptions_; }
  [[nodiscard]] const Transports& transports() const { return transports_; }
  [[nodiscard]] const Publications& publications() const { return publications_; }
  [[nodiscard]] const Subscriptions& subscriptions() const { return subscriptions_; }

  /// One generation: the changes since the last one.
  struct Changes {
    Transports::Changes transports;
    Publications::Changes publications;
    Subscriptions::Changes subscriptions;
    std::vector<TransportId> departed;      // new or changed departures
    std::vector<TransportId> not_departed;  // those that are no more
  };
  [[nodiscard]] bool changed() const;
  Changes take_changes();

 private:
  void empty_subscriptions_of(PublicationId id, Removed& removed);
  Transports transports_;
  Publications publications_;
  Subscriptions subscriptions_;
  std::map<TransportId, DepartureSpec> departures_;
  std::set<TransportId> changed_departures_;
};

}  // namespace sluice::workers
