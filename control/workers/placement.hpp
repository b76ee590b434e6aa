#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "shm/types/ids.hpp"

namespace sluice::workers {

/// Which worker carries which room. A room stays where it was put until it is released, or moved. Pure.
class Placement {
 public:
  /// A worker with `rooms_max` rooms is chosen only when all others have as many; at least 1.
  explicit Placement(std::uint32_t rooms_max = std::numeric_limits<std::uint32_t>::max()) : rooms_max_(rooms_max) {}
  /// Makes a worker eligible; again is harmless.
  void add_worker(WorkerId worker);
  /// The room's worker; at first sight, of those with fewer than `rooms_max` rooms if there are any, the one with the lowest
  /// (load, rooms, id). `load` of a worker is any monotonic
  /// figure, for instance its transports. Nothing without workers.
  std::optional<WorkerId> place(std::string_view room, const std::function<std::uint64_t(WorkerId)>& load);
  /// Puts back a room as it was before a restart; a worker that is not eligible is refused with false.
  bool restore(std::string_view room, WorkerId worker);
  [[nodiscard]] std::optional<WorkerId> find(std::string_view room) const;
  void release(std::string_view room);
  /// False when there is no such room or worker.
  bool move(std::string_view room, WorkerId to);
  /// A closed worker gets new rooms only when all are closed.
  void close(WorkerId worker, bool closed);
  [[nodiscard]] bool is_closed(WorkerId worker) const { return closed_.contains(worker); }
  [[nodiscard]] std::vector<std::string> rooms_of(WorkerId worker) const;
  [[nodiscard]] std::uint32_t rooms_on(WorkerId worker) const;

 private:
  std::uint32_t rooms_max_;
  std::set<WorkerId> closed_;
  std::map<WorkerId, std::uint32_t> rooms_per_worker_;
  std::map<std::string, WorkerId, std::less<>> rooms_;
};

}  // namespace sluice::workers
