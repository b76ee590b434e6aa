#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "control/media/media_model.hpp"
#include "shm/types/bytes.hpp"

namespace sluice::media {

// The state log's form (schemas/media_state.fbs) of what Media holds. Decoding gives nothing for bytes that are not a record
// of that kind; what ids and numbers in it mean is checked by whoever restores.

[[nodiscard]] std::vector<std::byte> encode(const PeerMedia& peer);
[[nodiscard]] std::vector<std::byte> encode(const Producer& producer);
[[nodiscard]] std::vector<std::byte> encode(const Consumer& consumer);
[[nodiscard]] std::optional<PeerMedia> decode_peer(Bytes bytes);
[[nodiscard]] std::optional<Producer> decode_producer(Bytes bytes);
[[nodiscard]] std::optional<Consumer> decode_consumer(Bytes bytes);

}  // namespace sluice::media
