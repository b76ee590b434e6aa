#pragma once

#include "dataplane/worker/desired_state.hpp"
#include "schemas/commands_generated.h"
#include "shm/types/result.hpp"

namespace sluice {

/// Why a command is refused. The FlatBuffers verifier has passed by then: these are values out of range.
enum class CommandError : std::uint8_t {
  bad_id,           ///< slot beyond the table, or incarnation 0
  bad_credentials,  ///< ufrag or password of a wrong length (RFC 8445 section 5.3)
  bad_fingerprint,  ///< not 32 bytes
  bad_enum,         ///< a number that no enumerator has
  bad_extension,    ///< a reserved or repeated header extension id
  bad_codec,        ///< payload type out of range or forbidden (RFC 5761 section 4), no clock rate, too many
  bad_label,        ///< mid or rid empty, too long or repeated
  bad_ssrc,         ///< 0 where one is needed, too many, or a layer that does not exist
};

/// The plain form of an upsert, every value checked. Nothing is kept of the message.
[[nodiscard]] Result<TransportSpec, CommandError> read_transport(const schema::UpsertTransport& message,
                                                                 const TableSizes& sizes);
[[nodiscard]] Result<PublicationSpec, CommandError> read_publication(const schema::UpsertPublication& message,
                                                                     const TableSizes& sizes);
[[nodiscard]] Result<SubscriptionSpec, CommandError> read_subscription(const schema::UpsertSubscription& message,
                                                                       const TableSizes& sizes);
/// `to_worker` may be any: who relays knows which workers there are.
[[nodiscard]] Result<DepartureSpec, CommandError> read_departure(const schema::UpsertDeparture& message,
                                                                 const TableSizes& sizes);

}  // namespace sluice
