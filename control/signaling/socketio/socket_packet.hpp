#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/json/json_view.hpp"
#include "shm/types/result.hpp"

namespace sluice::socketio {

/// The packet types of Socket.IO v5 (contract socketio.md section 7); the value is the digit on the wire.
enum class SocketType : std::uint8_t {
  connect = 0,
  disconnect = 1,
  event = 2,
  ack = 3,
  connect_error = 4,
  binary_event = 5,
  binary_ack = 6
};

/// One packet as a client may send it, borrowed from its text. Its payload is valid for its type.
struct SocketPacket {
  SocketType type = SocketType::event;
  std::size_t attachments = 0;        // binary packets that follow
  std::string_view name_space = "/";  // literally, with a query if it has one
  std::optional<std::uint64_t> id;    // of the acknowledgement that is wanted or given
  std::optional<JsonView> payload;    // connect: object; event, ack: array; disconnect: none
};

/// Why a packet closes the connection (section 7.6).
enum class SocketPacketError : std::uint8_t {
  unknown_type,     // also CONNECT_ERROR, which no client sends
  bad_attachments,  // count missing, 0 or above the limit
  bad_id,           // more digits than a JavaScript number holds
  bad_json,         // broken, or nested too deeply
  bad_payload,      // not what its type wants
  reserved_event,
};
[[nodiscard]] std::string_view to_string(SocketPacketError error) noexcept;

struct SocketPacketLimits {
  std::size_t attachments_max = 10;
  std::size_t depth_max = 64;
  std::size_t arguments_max = 256;  // of one event
};

[[nodiscard]] Result<SocketPacket, SocketPacketError> read_socket_packet(std::string_view text,
                                                                         const SocketPacketLimits& limits = {});

/// Names that clients must not emit.
[[nodiscard]] bool is_reserved_event(std::string_view name) noexcept;

/// The head of a packet that goes out, with Engine.IO's message type before it: `4` type [n-] [namespace,] [id].
[[nodiscard]] std::string packet_head(SocketType type, std::size_t attachments, std::string_view name_space,
                                      std::optional<std::uint64_t> id);

}  // namespace sluice::socketio
