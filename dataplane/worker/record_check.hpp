#pragma once

#include "dataplane/router/publication.hpp"
#include "dataplane/router/subscription.hpp"
#include "dataplane/transport/transport_record.hpp"
#include "dataplane/worker/desired_state.hpp"

namespace sluice {

// Whether a worker of ours can have left such a record: every number that the machines use as an index, count or enumerator
// is within its range. A record that is not sound was torn by a wild write and is begun anew; a sound one may be wrong, but
// harms only its own session. Times may lie anywhere.
[[nodiscard]] bool is_sound(const TransportRecord& record, const TableSizes& sizes) noexcept;
[[nodiscard]] bool is_sound(const PublicationRecord& record) noexcept;
[[nodiscard]] bool is_sound(const SubscriptionRecord& record) noexcept;

}  // namespace sluice
