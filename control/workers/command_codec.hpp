#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "control/workers/specs.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"

namespace sluice::workers {

/// One finished `schema::Command`. The same bytes go over the ring and into the state log.
using EncodedCommand = std::vector<std::byte>;

[[nodiscard]] EncodedCommand encode_begin(Generation generation, bool snapshot);
[[nodiscard]] EncodedCommand encode_commit(Generation generation);
[[nodiscard]] EncodedCommand encode(TransportId id, const TransportSpec& spec);
[[nodiscard]] EncodedCommand encode(PublicationId id, const PublicationSpec& spec);
[[nodiscard]] EncodedCommand encode(SubscriptionId id, const SubscriptionSpec& spec);
/// Of the transport that was `id` here.
[[nodiscard]] EncodedCommand encode(TransportId id, const DepartureSpec& spec);
[[nodiscard]] EncodedCommand encode_remove_departure(TransportId id);
[[nodiscard]] EncodedCommand encode_remove(TransportId id);
[[nodiscard]] EncodedCommand encode_remove(PublicationId id);
[[nodiscard]] EncodedCommand encode_remove(SubscriptionId id);
[[nodiscard]] EncodedCommand encode_key_frame_request(PublicationId id);

// The way back, for the state log. Nothing when the bytes are not such a command. Any alignment.
[[nodiscard]] std::optional<std::pair<TransportId, TransportSpec>> decode_transport(Bytes bytes);
[[nodiscard]] std::optional<std::pair<TransportId, DepartureSpec>> decode_departure(Bytes bytes);
[[nodiscard]] std::optional<std::pair<PublicationId, PublicationSpec>> decode_publication(Bytes bytes);
[[nodiscard]] std::optional<std::pair<SubscriptionId, SubscriptionSpec>> decode_subscription(Bytes bytes);

}  // namespace sluice::workers
