#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "control/api/connection_times.hpp"
#include "control/api/operations.hpp"
#include "control/api/upkeep.hpp"
#include "control/media/media.hpp"
#include "control/observability/troubles.hpp"
#include "control/observability/worker_metrics.hpp"
#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"
#include "control/sessions/sessions.hpp"
#include "control/workers/workers.hpp"

namespace sluice {

/// What the operations of the core are made from. Everything outlives them.
struct CoreAccess {
  Rooms& rooms;
  Publications* publications = nullptr;  // null without `nativeSfu`: sfu.* are not there
  const Media* media = nullptr;          // null: streams are listed without figures
  const workers::Workers* workers = nullptr;
  Upkeep* upkeep = nullptr;  // null: workers.* and server.drain are not there
  std::vector<WorkerView> views = {};
  const Troubles* troubles = nullptr;                  // null: health does not show any
  const Sessions* sessions = nullptr;                  // null: no tokens are shown
  const ConnectionTimes* connection_times = nullptr;   // null: nor since when peers are connected
  std::function<std::uint16_t()> signaling_port = {};  // as it was bound
  std::function<TimePoint()> now;
  std::function<std::int64_t()> unix_ms;
};

/// rooms.*, peers.*, server.*, workers.*, sfu.*: what contract section 36 lets an operator do, and the room, peer and SFU
/// calls of section 40.
void add_core_operations(Operations& operations, const CoreAccess& access);

// Its parts.
void add_room_operations(Operations& operations, const CoreAccess& access);
void add_peer_operations(Operations& operations, const CoreAccess& access);
void add_server_operations(Operations& operations, const CoreAccess& access);
void add_sfu_operations(Operations& operations, const CoreAccess& access);

}  // namespace sluice
