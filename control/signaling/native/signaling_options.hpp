#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"
#include "control/sessions/sessions.hpp"

namespace sluice {

/// `signaling` of contract section 1, with its defaults. What only the transport layer uses is here too, so that the
/// options have one home.
struct SignalingOptions {
  std::uint16_t port = 3000;  // transport
  std::size_t max_peers_per_room = 50;
  bool auto_create_rooms = true;
  bool auto_destroy_rooms = true;
  std::chrono::milliseconds ping_interval{30'000};  // transport
  std::chrono::milliseconds reconnect_ttl{0};       // 0 = off
  std::size_t max_message_size = 1'048'576;         // transport, bytes
  bool trust_proxy = false;                         // transport
  std::size_t room_id_bytes_max = 512;
  /// Control payloads whose module is attached are relayed to the room as well (contract section 6).
  bool relay_control_payloads = false;
  /// Messages of one client that wait for its admission: more of them, or more bytes, close the connection.
  std::size_t held_messages_max = 256;
  std::size_t held_bytes_max = 2'097'152;
  /// Joins of one address, loopback excepted; more are answered by RATE_LIMITED and dropped. 0 = no limit.
  std::uint32_t joins_per_second_max = 20;
  /// Numeric addresses that this limit leaves alone, beside loopback (`rateLimit.whitelist`).
  std::vector<std::string> limit_exempt = {};

  [[nodiscard]] RoomsOptions rooms() const {
    RoomsOptions options;
    options.max_peers_per_room = max_peers_per_room;
    options.auto_create_rooms = auto_create_rooms;
    options.auto_destroy_rooms = auto_destroy_rooms;
    options.room_id_bytes_max = room_id_bytes_max;
    return options;
  }
  [[nodiscard]] SessionOptions sessions() const {
    SessionOptions options;
    options.reconnect_ttl = reconnect_ttl;
    return options;
  }
};

/// `nativeSfu` of contract section 15: what `sfu:ready` tells and how publishing defaults.
struct SfuOptions {
  std::string region = "default";
  std::string listen_ip = "0.0.0.0";
  std::optional<std::string> announced_ip;
  std::uint16_t media_port_min = 40000;  // the real ports, one per worker
  std::uint16_t media_port_max = 40000;
  bool enable_simulcast = true;
  std::uint32_t sdp_per_minute_max = 120;  // offers and answers to __sfu__ of one peer
  std::size_t layers_max = 16;             // of one publication, as named by the client
  std::size_t ssrcs_max = 16;

  [[nodiscard]] PublicationsOptions publications() const {
    PublicationsOptions options;
    options.enable_simulcast = enable_simulcast;
    return options;
  }
};

}  // namespace sluice
