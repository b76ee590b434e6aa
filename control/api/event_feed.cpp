#include "control/api/event_feed.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

EventFeed::Subscription EventFeed::listen(Listener listener, Interest interest) {
  auto entry = std::make_shared<Entry>(Entry{std::move(listener), std::move(interest)});
  listeners_.push_back(entry);
  return entry;
}

void EventFeed::emit(std::string_view event, const nlohmann::json& data) {
  const std::uint64_t number = ++last_number_;
  // A list, because a listener may bring another one, which does not hear this event.
  auto at = listeners_.begin();
  for (std::size_t left = listeners_.size(); left > 0; --left) {
    const auto entry = at->lock();
    at = entry ? std::next(at) : listeners_.erase(at);
    if (entry) entry->listener(event, data, number);
  }
}

bool EventFeed::heard() const noexcept {
  return std::any_of(listeners_.begin(), listeners_.end(), [](const auto& entry) { return !entry.expired(); });
}

bool EventFeed::heard(std::string_view event) const {
  return std::any_of(listeners_.begin(), listeners_.end(), [event](const auto& listener) {
    const auto entry = listener.lock();
    return entry && (!entry->interest || entry->interest(event));
  });
}

}  // namespace sluice
