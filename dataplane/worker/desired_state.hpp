#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "dataplane/transport/spec.hpp"

namespace sluice {

/// How many slots each table of this worker has; ids beyond them are refused.
struct TableSizes {
  std::uint32_t transports = 0;
  std::uint32_t publications = 0;
  std::uint32_t subscriptions = 0;
};

/// The rows of one kind that control wants, by slot.
template <typename Spec>
using DesiredRows = std::map<std::uint32_t, Spec>;

/// Everything control wants of this worker: a value, so that a generation is staged on a copy of what it touches and
/// committed as one.
struct DesiredState {
  DesiredRows<TransportSpec> transports;
  DesiredRows<PublicationSpec> publications;
  DesiredRows<SubscriptionSpec> subscriptions;
  /// Transports that went to another worker, by packed id: a slot's next transport may be here meanwhile.
  std::map<std::uint64_t, DepartureSpec> departures;
  friend bool operator==(const DesiredState&, const DesiredState&) = default;

  /// Text in the order of slots; equal states give equal texts. Of a password only a hash is told.
  [[nodiscard]] std::string describe() const;
};

}  // namespace sluice
