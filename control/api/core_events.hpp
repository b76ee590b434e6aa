#pragma once

#include <vector>

#include "control/api/event_feed.hpp"
#include "control/bus/bus.hpp"
#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"

namespace sluice {

/// Tells what rooms do on the event feed: the facts of the bus by the names of event_catalog.hpp.
class CoreEvents {
 public:
  /// All borrowed for life; `publications` may be null.
  CoreEvents(Bus& bus, EventFeed& feed, const Rooms& rooms, const Publications* publications);

 private:
  void follow_rooms(Bus& bus);
  void follow_streams(Bus& bus);

  EventFeed& feed_;
  const Rooms& rooms_;
  const Publications* publications_;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
