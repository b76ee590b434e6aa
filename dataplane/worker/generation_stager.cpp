#include "dataplane/worker/generation_stager.hpp"

#include <algorithm>

#include "shm/types/policy_mark.hpp"

namespace sluice {
namespace {

/// A generation larger than all tables together is not one (hardening.md section 5 bounds every list).
std::size_t operations_max(const TableSizes& sizes) {
  return 2 * (std::size_t{sizes.transports} + sizes.publications + sizes.subscriptions) + 16;
}

template <typename Key>
void sort_unique(std::vector<Key>& slots) {
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
}

/// What a worker relays at most: far more than it can have had at one time.
constexpr std::size_t departures_max = 4096;

bool& open(PublicationSpec& spec) {
  return spec.forward;
}
bool& open(SubscriptionSpec& spec) {
  return spec.active;
}

/// Slots whose rows differ between two tables.
template <typename Key, typename Spec>
void differences(const std::map<Key, Spec>& before, const std::map<Key, Spec>& after, std::vector<Key>& slots) {
  for (const auto& [slot, spec] : before) {
    const auto found = after.find(slot);
    if (found == after.end() || found->second != spec) slots.push_back(slot);
  }
  for (const auto& [slot, spec] : after) {
    if (!before.contains(slot)) slots.push_back(slot);
  }
  sort_unique(slots);
}

}  // namespace

GenerationStager::GenerationStager(const TableSizes& sizes)
    : sizes_(sizes),
      newest_transports_(sizes.transports),
      newest_publications_(sizes.publications),
      newest_subscriptions_(sizes.subscriptions) {}

StagingOutcome GenerationStager::handle(const schema::Command& command) {
  switch (command.body_type()) {
    case schema::CommandBody::Begin:
      return begin(*command.body_as_Begin());
    case schema::CommandBody::Commit:
      return commit(*command.body_as_Commit());
    case schema::CommandBody::UpsertTransport:
      return stage(read_transport(*command.body_as_UpsertTransport(), sizes_));
    case schema::CommandBody::UpsertPublication:
      return stage(read_publication(*command.body_as_UpsertPublication(), sizes_));
    case schema::CommandBody::UpsertSubscription:
      return stage(read_subscription(*command.body_as_UpsertSubscription(), sizes_));
    case schema::CommandBody::UpsertDeparture:
      return stage(read_departure(*command.body_as_UpsertDeparture(), sizes_));
    case schema::CommandBody::Remove:
      return remove(*command.body_as_Remove());
    default:
      return refuse();
  }
}

void GenerationStager::restore(std::uint64_t generation, DesiredState state) {
  committed_ = std::move(state);
  generation_ = generation;
  for (const auto& [slot, spec] : committed_.transports) newest_transports_[slot] = spec.id.incarnation;
  for (const auto& [slot, spec] : committed_.publications) newest_publications_[slot] = spec.id.incarnation;
  for (const auto& [slot, spec] : committed_.subscriptions) newest_subscriptions_[slot] = spec.id.incarnation;
}

StagingOutcome GenerationStager::begin(const schema::Begin& begin) {
  // A Begin inside a generation means that control started over: the unfinished one never happened.
  operations_.clear();
  staging_ = begin.generation();
  snapshot_ = begin.snapshot();
  phase_ = Phase::staging;
  return StagingOutcome::staged;
}

StagingOutcome GenerationStager::commit(const schema::Commit& commit) {
  if (phase_ == Phase::refusing) return StagingOutcome::ignored;
  if (phase_ != Phase::staging || commit.generation() != staging_) return refuse();
  phase_ = Phase::idle;
  if (!snapshot_ && staging_ <= generation_) {
    operations_.clear();
    return StagingOutcome::repeated;
  }
  apply();
  generation_ = staging_;
  return StagingOutcome::committed;
}

template <typename Spec>
StagingOutcome GenerationStager::stage(Result<Spec, CommandError> spec) {
  if (phase_ == Phase::refusing) return StagingOutcome::ignored;
  if (phase_ != Phase::staging || !spec || operations_.size() >= operations_max(sizes_)) return refuse();
  operations_.emplace_back(std::move(*spec));
  return StagingOutcome::staged;
}

StagingOutcome GenerationStager::remove(const schema::Remove& remove) {
  if (phase_ == Phase::refusing) return StagingOutcome::ignored;
  if (phase_ != Phase::staging || remove.entity() > schema::EntityKind::MAX || operations_.size() >= operations_max(sizes_))
    return refuse();
  operations_.emplace_back(Removal{remove.entity(), remove.id()});
  return StagingOutcome::staged;
}

StagingOutcome GenerationStager::refuse() {
  operations_.clear();
  if (phase_ == Phase::refusing) return StagingOutcome::ignored;
  phase_ = Phase::refusing;
  return StagingOutcome::refused;
}

void GenerationStager::apply() {
  DesiredState before;
  if (snapshot_) {
    before = std::move(committed_);
    committed_ = {};
    // What the snapshot says holds, whatever was known before.
    std::fill(newest_transports_.begin(), newest_transports_.end(), 0);
    std::fill(newest_publications_.begin(), newest_publications_.end(), 0);
    std::fill(newest_subscriptions_.begin(), newest_subscriptions_.end(), 0);
  }
  changes_ = {};
  const DesiredState& held = snapshot_ ? before : committed_;
  for (Operation& operation : operations_) {
    if (auto* t = std::get_if<TransportSpec>(&operation)) {
      apply_upsert(committed_.transports, newest_transports_, changes_.transports, *t);
    } else if (auto* p = std::get_if<PublicationSpec>(&operation)) {
      keep_closed(held.publications, *p);
      apply_upsert(committed_.publications, newest_publications_, changes_.publications, *p);
    } else if (auto* s = std::get_if<SubscriptionSpec>(&operation)) {
      keep_closed(held.subscriptions, *s);
      apply_upsert(committed_.subscriptions, newest_subscriptions_, changes_.subscriptions, *s);
    } else if (auto* d = std::get_if<DepartureSpec>(&operation)) {
      const std::uint64_t key = d->transport.packed();
      const auto found = committed_.departures.find(key);
      if (found != committed_.departures.end() && found->second == *d) continue;
      if (found == committed_.departures.end() && committed_.departures.size() >= departures_max) continue;
      committed_.departures.insert_or_assign(key, std::move(*d));
      changes_.departures.push_back(key);
    } else {
      apply_removal(std::get<Removal>(operation));
    }
  }
  operations_.clear();
  if (snapshot_) {
    changes_ = {};
    differences(before.transports, committed_.transports, changes_.transports);
    differences(before.publications, committed_.publications, changes_.publications);
    differences(before.subscriptions, committed_.subscriptions, changes_.subscriptions);
    differences(before.departures, committed_.departures, changes_.departures);
  } else {
    sort_unique(changes_.transports);
    sort_unique(changes_.publications);
    sort_unique(changes_.subscriptions);
    sort_unique(changes_.departures);
  }
}

template <typename Spec>
void GenerationStager::apply_upsert(DesiredRows<Spec>& rows, std::vector<std::uint32_t>& newest,
                                    std::vector<std::uint32_t>& changed, Spec& spec) {
  const std::uint32_t slot = spec.id.slot;
  const auto found = rows.find(slot);
  // The same incarnation again after its removal is over, too.
  const bool over = spec.id.incarnation < newest[slot] || (spec.id.incarnation == newest[slot] && found == rows.end());
  if (over) {
    ++stale_count_;
    return;
  }
  newest[slot] = spec.id.incarnation;
  if (found != rows.end() && found->second == spec) return;
  rows.insert_or_assign(slot, std::move(spec));
  changed.push_back(slot);
}

template <typename Spec>
void GenerationStager::keep_closed(const DesiredRows<Spec>& held, Spec& spec) {
  const auto found = held.find(spec.id.slot);
  if (found == held.end() || found->second.id != spec.id) return;
  Spec was = found->second;
  const PolicyMark wanted{spec.policy_epoch, open(spec)};
  const PolicyMark mark = after({was.policy_epoch, open(was)}, wanted);
  if (mark == wanted) return;
  ++stale_policy_count_;
  spec.policy_epoch = mark.epoch;
  open(spec) = mark.open;
}

void GenerationStager::apply_removal(const Removal& removal) {
  switch (removal.kind) {
    case schema::EntityKind::transport:
      return apply_removal_in(committed_.transports, newest_transports_, changes_.transports,
                              TransportId::unpack(removal.id));
    case schema::EntityKind::publication:
      return apply_removal_in(committed_.publications, newest_publications_, changes_.publications,
                              PublicationId::unpack(removal.id));
    case schema::EntityKind::subscription:
      return apply_removal_in(committed_.subscriptions, newest_subscriptions_, changes_.subscriptions,
                              SubscriptionId::unpack(removal.id));
    case schema::EntityKind::departure:
      if (committed_.departures.erase(removal.id) != 0) changes_.departures.push_back(removal.id);
      return;
  }
}

template <typename Spec, typename IdType>
void GenerationStager::apply_removal_in(DesiredRows<Spec>& rows, std::vector<std::uint32_t>& newest,
                                        std::vector<std::uint32_t>& changed, IdType id) {
  const auto found = rows.find(id.slot);
  if (found == rows.end() || found->second.id != id) {
    if (id.slot < newest.size() && id.incarnation < newest[id.slot]) ++stale_count_;
    return;
  }
  rows.erase(found);
  changed.push_back(id.slot);
}

}  // namespace sluice
