#pragma once

#include <map>
#include <vector>

#include "dataplane/router/publication.hpp"
#include "dataplane/router/subscription.hpp"
#include "dataplane/transport/transport_record.hpp"
#include "shm/types/ids.hpp"

namespace sluice {

/// What the publications of one worker are called on another.
using MovedPublications = std::map<PublicationId, PublicationId>;

// A record as the worker that a transport moves to must have it: under the new ids, also where it names publications. What
// is not in `moved` is named by nobody there: SSRCs bound to it are unbound, numberings that began with it begin anew.
void rename(TransportRecord& record, TransportId to, const MovedPublications& moved) noexcept;
void rename(PublicationRecord& record, PublicationId to) noexcept;
void rename(SubscriptionRecord& record, SubscriptionId to, TransportId transport, const MovedPublications& moved) noexcept;

}  // namespace sluice
