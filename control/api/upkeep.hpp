#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/rooms/ids.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/result.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// What an operator can do to the running server beside its rooms and peers: the admin API's way to it.
class Upkeep {
 public:
  virtual ~Upkeep() = default;

  /// Why nothing was done: for the answer's status.
  struct Refusal {
    enum class Kind : std::uint8_t { unknown, conflict, unavailable };
    Kind kind = Kind::unknown;
    std::string message;
  };
  struct WorkerState {
    WorkerId id;
    std::uint32_t rooms = 0;
    std::uint32_t transports = 0;
    bool draining = false;
  };
  struct DrainState {
    bool draining = false;
    bool ending = false;           ///< it is over: the server says goodbye
    std::optional<Duration> left;  ///< until those who are still there are sent away
  };

  [[nodiscard]] virtual std::vector<WorkerState> workers() const = 0;
  /// Moves a room to another worker while it plays; takes effect within milliseconds after the call.
  virtual Result<void, Refusal> migrate(const RoomId& room, WorkerId to) = 0;
  /// No new rooms on this worker, and all that it has move to others; or takes that back.
  virtual Result<void, Refusal> drain_worker(WorkerId worker, bool undo) = 0;
  /// Nobody can join any more. With the last peer, or after `deadline`, the server ends. Or takes that back.
  virtual void drain_server(std::optional<Duration> deadline, bool undo) = 0;
  [[nodiscard]] virtual DrainState draining() const = 0;
};

}  // namespace sluice
