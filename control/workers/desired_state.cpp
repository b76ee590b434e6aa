#include "control/workers/desired_state.hpp"

#include <utility>

namespace sluice::workers {

template <typename IdType, typename Spec>
DesiredTable<IdType, Spec>::DesiredTable(std::uint32_t size) : table_size_(size) {}

template <typename IdType, typename Spec>
std::optional<IdType> DesiredTable<IdType, Spec>::add(Spec spec) {
  std::uint32_t slot = first_unused_;
  if (!free_below_.empty()) {
    slot = *free_below_.begin();
    free_below_.erase(free_below_.begin());
  } else if (first_unused_ < table_size_) {
    ++first_unused_;
  } else {
    return std::nullopt;
  }
  const IdType id{slot, next_incarnation_};
  set_next_incarnation(next_incarnation_ + 1);
  rows_.emplace(slot, std::pair(id, std::move(spec)));
  dirty_.insert(slot);
  never_told_.insert(id);
  return id;
}

template <typename IdType, typename Spec>
bool DesiredTable<IdType, Spec>::update(IdType id, Spec spec) {
  const auto row = rows_.find(id.slot);
  if (row == rows_.end() || row->second.first != id) return false;
  if (row->second.second == spec) return true;
  row->second.second = std::move(spec);
  dirty_.insert(id.slot);
  return true;
}

template <typename IdType, typename Spec>
bool DesiredTable<IdType, Spec>::remove(IdType id) {
  const auto row = rows_.find(id.slot);
  if (row == rows_.end() || row->second.first != id) return false;
  rows_.erase(row);
  dirty_.erase(id.slot);
  free_below_.insert(id.slot);
  if (never_told_.erase(id) == 0) removed_.push_back(id);
  return true;
}

template <typename IdType, typename Spec>
bool DesiredTable<IdType, Spec>::restore(IdType id, Spec spec) {
  if (!id.valid() || id.slot >= table_size_ || rows_.contains(id.slot)) return false;
  for (; first_unused_ <= id.slot; ++first_unused_) free_below_.insert(first_unused_);
  free_below_.erase(id.slot);
  rows_.emplace(id.slot, std::pair(id, std::move(spec)));
  if (next_incarnation_ <= id.incarnation) set_next_incarnation(id.incarnation + 1);
  return true;
}

template <typename IdType, typename Spec>
const Spec* DesiredTable<IdType, Spec>::find(IdType id) const {
  const auto row = rows_.find(id.slot);
  return row == rows_.end() || row->second.first != id ? nullptr : &row->second.second;
}

template <typename IdType, typename Spec>
typename DesiredTable<IdType, Spec>::Changes DesiredTable<IdType, Spec>::take_changes() {
  Changes changes;
  changes.removed = std::exchange(removed_, {});
  for (const std::uint32_t slot : std::exchange(dirty_, {})) changes.upserted.push_back(rows_.at(slot).first);
  never_told_.clear();
  return changes;
}

template class DesiredTable<TransportId, TransportSpec>;
template class DesiredTable<PublicationId, PublicationSpec>;
template class DesiredTable<SubscriptionId, SubscriptionSpec>;

DesiredState::DesiredState(const TableSizes& sizes)
    : transports_(sizes.transports), publications_(sizes.publications), subscriptions_(sizes.subscriptions) {}

std::optional<TransportId> DesiredState::add(TransportSpec spec) {
  return transports_.add(std::move(spec));
}

std::optional<PublicationId> DesiredState::add(PublicationSpec spec) {
  if (transports_.find(spec.transport) == nullptr) return std::nullopt;
  return publications_.add(std::move(spec));
}

std::optional<SubscriptionId> DesiredState::add(SubscriptionSpec spec) {
  if (transports_.find(spec.transport) == nullptr) return std::nullopt;
  if (spec.publication.valid() && publications_.find(spec.publication) == nullptr) return std::nullopt;
  return subscriptions_.add(std::move(spec));
}

bool DesiredState::update(TransportId id, TransportSpec spec) {
  return transports_.update(id, std::move(spec));
}

bool DesiredState::update(PublicationId id, PublicationSpec spec) {
  const PublicationSpec* old = publications_.find(id);
  return old != nullptr && old->transport == spec.transport && publications_.update(id, std::move(spec));
}

bool DesiredState::update(SubscriptionId id, SubscriptionSpec spec) {
  const SubscriptionSpec* old = subscriptions_.find(id);
  if (old == nullptr || old->transport != spec.transport) return false;
  if (spec.publication.valid() && publications_.find(spec.publication) == nullptr) return false;
  return subscriptions_.update(id, std::move(spec));
}

void DesiredState::empty_subscriptions_of(PublicationId id, Removed& removed) {
  std::vector<std::pair<SubscriptionId, SubscriptionSpec>> fed;
  for (const auto& [slot, row] : subscriptions_.rows())
    if (row.second.publication == id) fed.push_back(row);
  for (auto& [subscription, spec] : fed) {
    spec.publication = {};
    subscriptions_.update(subscription, std::move(spec));
    removed.emptied.push_back(subscription);
  }
}

DesiredState::Removed DesiredState::remove(TransportId id) {
  Removed removed;
  removed.found = transports_.remove(id);
  if (!removed.found) return removed;
  for (const auto& [slot, row] : subscriptions_.rows())
    if (row.second.transport == id) removed.subscriptions.push_back(row.first);
  for (const SubscriptionId subscription : removed.subscriptions) subscriptions_.remove(subscription);
  for (const auto& [slot, row] : publications_.rows())
    if (row.second.transport == id) removed.publications.push_back(row.first);
  for (const PublicationId publication : removed.publications) {
    publications_.remove(publication);
    empty_subscriptions_of(publication, removed);
  }
  return removed;
}

DesiredState::Removed DesiredState::remove(PublicationId id) {
  Removed removed;
  removed.found = publications_.remove(id);
  if (removed.found) empty_subscriptions_of(id, removed);
  return removed;
}

DesiredState::Removed DesiredState::remove(SubscriptionId id) {
  Removed removed;
  removed.found = subscriptions_.remove(id);
  return removed;
}

bool DesiredState::changed() const {
  return transports_.changed() || publications_.changed() || subscriptions_.changed() || !changed_departures_.empty();
}

DesiredState::Changes DesiredState::take_changes() {
  Changes changes{transports_.take_changes(), publications_.take_changes(), subscriptions_.take_changes(), {}, {}};
  for (const TransportId id : std::exchange(changed_departures_, {}))
    (departures_.contains(id) ? changes.departed : changes.not_departed).push_back(id);
  return changes;
}

bool DesiredState::set_departure(TransportId id, DepartureSpec spec) {
  const auto known = departures_.find(id);
  if (known != departures_.end() && known->second == spec) return false;
  departures_.insert_or_assign(id, std::move(spec));
  changed_departures_.insert(id);
  return true;
}

bool DesiredState::remove_departure(TransportId id) {
  if (departures_.erase(id) == 0) return false;
  changed_departures_.insert(id);
  return true;
}

}  // namespace sluice::workers
