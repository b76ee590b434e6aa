#include "control/workers/placement.hpp"

#include <tuple>

namespace sluice::workers {

void Placement::add_worker(WorkerId worker) {
  rooms_per_worker_.try_emplace(worker, 0);
}

std::optional<WorkerId> Placement::place(std::string_view room, const std::function<std::uint64_t(WorkerId)>& load) {
  if (const auto known = find(room)) return known;
  std::optional<WorkerId> best;
  std::tuple<bool, bool, std::uint64_t, std::uint32_t> best_load;
  for (const auto& [worker, rooms] : rooms_per_worker_) {
    const std::tuple candidate(is_closed(worker), rooms >= rooms_max_, load(worker), rooms);
    if (best && best_load <= candidate) continue;
    best = worker;
    best_load = candidate;
  }
  if (best) restore(room, *best);
  return best;
}

bool Placement::restore(std::string_view room, WorkerId worker) {
  const auto count = rooms_per_worker_.find(worker);
  if (count == rooms_per_worker_.end()) return false;
  if (rooms_.emplace(room, worker).second) ++count->second;
  return true;
}

std::optional<WorkerId> Placement::find(std::string_view room) const {
  const auto known = rooms_.find(room);
  return known == rooms_.end() ? std::nullopt : std::optional(known->second);
}

void Placement::release(std::string_view room) {
  const auto known = rooms_.find(room);
  if (known == rooms_.end()) return;
  --rooms_per_worker_.at(known->second);
  rooms_.erase(known);
}

bool Placement::move(std::string_view room, WorkerId to) {
  const auto known = rooms_.find(room);
  const auto target = rooms_per_worker_.find(to);
  if (known == rooms_.end() || target == rooms_per_worker_.end()) return false;
  --rooms_per_worker_.at(known->second);
  ++target->second;
  known->second = to;
  return true;
}

void Placement::close(WorkerId worker, bool closed) {
  if (closed) {
    closed_.insert(worker);
  } else {
    closed_.erase(worker);
  }
}

std::vector<std::string> Placement::rooms_of(WorkerId worker) const {
  std::vector<std::string> rooms;
  for (const auto& [room, on] : rooms_)
    if (on == worker) rooms.push_back(room);
  return rooms;
}

std::uint32_t Placement::rooms_on(WorkerId worker) const {
  const auto count = rooms_per_worker_.find(worker);
  return count == rooms_per_worker_.end() ? 0 : count->second;
}

}  // namespace sluice::workers
