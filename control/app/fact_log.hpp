#pragma once

#include <vector>

#include "control/bus/bus.hpp"

namespace sluice::app {

/// Writes what happens in rooms to the log.
class FactLog {
 public:
  explicit FactLog(Bus& bus);

 private:
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice::app
