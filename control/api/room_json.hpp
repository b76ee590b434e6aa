#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"

/// Rooms, peers and streams as operators see them: the shapes of contract section 1 and 36, wherever they are shown.
namespace sluice {

/// Raw JSON texts of metadata as JSON; they were validated when they came in.
[[nodiscard]] nlohmann::json metadata_json(const Metadata& metadata);
[[nodiscard]] Metadata metadata_of(const nlohmann::json& object);

/// {id, peerCount, createdAt, metadata, maxPeers}.
[[nodiscard]] nlohmann::json summary_json(const Room& room);
/// {id, metadata, peers, createdAt, maxPeers}.
[[nodiscard]] nlohmann::json state_json(const Room& room, const Rooms& rooms);
/// {id, roomId, state, metadata}: no token, no address.
[[nodiscard]] nlohmann::json snapshot_json(const PeerSnapshot& peer);

/// {id, peerId, trackId, kind, roomId, layers, activeLayer, paused, createdAt} (contract section 15).
[[nodiscard]] nlohmann::json producer_json(const Publication& publication);
/// {id, subscriberPeerId, producerId, kind, paused, createdAt, activeLayer}; `publication` may be null.
[[nodiscard]] nlohmann::json consumer_json(const Subscription& subscription, const Publication* publication);

/// "2024-04-24T23:06:40.123Z".
[[nodiscard]] std::string iso_time(std::int64_t unix_ms);

/// One JSON value of bounded depth from outside; nothing when it is none. Time linear, no recursion on depth.
[[nodiscard]] std::optional<nlohmann::json> parse_json(std::string_view text);

/// One line of JSON; bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string dump_json(const nlohmann::json& value);

}  // namespace sluice
