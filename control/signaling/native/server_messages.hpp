#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/json/json_writer.hpp"
#include "control/rooms/peer_state.hpp"
#include "control/rooms/rooms.hpp"

/// The texts that the server sends (contract section 4), one function each where more than one place or more than one field
/// is concerned.
namespace sluice::native {

/// A metadata map as a JSON object, values byte for byte.
[[nodiscard]] std::string metadata_json(const Metadata& metadata);
/// A list of texts as a JSON array.
[[nodiscard]] std::string texts_json(const std::vector<std::string>& texts);
/// `{id, roomId, state, metadata}`.
[[nodiscard]] std::string snapshot_json(const PeerSnapshot& peer);
/// The snapshots of a room's members except one, in join order.
[[nodiscard]] std::string members_json(const Rooms& rooms, const Room& room, const PeerId& except);

/// `{"type":"error","code":…}`; add further fields, then finish().
[[nodiscard]] JsonWriter error(std::string_view code);
[[nodiscard]] std::string error_text(std::string_view code, std::string_view message);

/// A member without the capability `action`, which is also the name of what it wanted (contract section 12).
[[nodiscard]] std::string policy_denied(std::string_view action);

[[nodiscard]] std::string connected(const PeerId& peer);
/// `token` and `ice_servers` (raw JSON array) only when they apply.
[[nodiscard]] std::string room_joined(const Rooms& rooms, const Room& room, const PeerId& peer,
                                      const std::optional<std::string>& token,
                                      const std::optional<std::string>& ice_servers);
[[nodiscard]] std::string room_state(const Rooms& rooms, const Room& room, const PeerId& peer,
                                     const std::optional<std::string>& token, std::int64_t last_seq);
[[nodiscard]] std::string kicked(std::string_view reason, const std::optional<std::string>& by);
/// offer, answer, ice-candidate, data: `{type, from, <key>: raw}`.
[[nodiscard]] std::string relayed(std::string_view type, std::string_view from, std::string_view key, std::string_view raw);

}  // namespace sluice::native
