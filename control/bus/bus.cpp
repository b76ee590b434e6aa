#include "control/bus/bus.hpp"

#include <cstddef>

namespace sluice {

void Bus::add(std::type_index type, EntryPtr entry) {
  entry->number = ++last_number_;
  entries_[type].push_back(std::move(entry));
}

void Bus::deliver(std::type_index type, const void* fact, Mark since) {
  const auto found = entries_.find(type);
  if (found == entries_.end()) return;
  // References to mapped values survive insertion of other types; the vector itself may grow under us, hence the index and
  // the count taken once.
  std::vector<EntryPtr>& entries = found->second;
  const std::size_t count = entries.size();
  for (std::size_t i = 0; i < count; ++i) {
    const EntryPtr entry = entries[i];  // keeps the callable alive while it runs, even if it cancels itself
    if (entry->alive && entry->number > since) entry->deliver(fact);
  }
  std::erase_if(entries, [](const EntryPtr& entry) { return !entry->alive; });
}

void Bus::deliver_and_drain(std::type_index type, const void* fact, Mark since) {
  delivering_ = true;
  deliver(type, fact, since);
  while (!queue_.empty()) {
    const std::function<void()> next = std::move(queue_.front());
    queue_.pop_front();
    next();
  }
  delivering_ = false;
}

}  // namespace sluice
