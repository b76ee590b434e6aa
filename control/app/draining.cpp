#include "control/app/draining.hpp"

#include <algorithm>
#include <array>

#include "control/observability/log.hpp"
#include "shm/types/byte_order.hpp"

namespace sluice::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view drain_key = "app/draining";
constexpr Duration look_again = 100ms;
/// A room that no worker has place for now.
constexpr Duration try_again = 2s;

std::string_view to_text(Media::MoveError error) {
  switch (error) {
    case Media::MoveError::unknown_worker:
      return "there is no such worker";
    case Media::MoveError::unknown_room:
      return "the room has no media";
    case Media::MoveError::already_there:
      return "the room is on that worker";
    case Media::MoveError::moving:
      return "the room is being moved already";
    case Media::MoveError::no_room:
      break;
  }
  return "the worker has no place for the room";
}

Upkeep::Refusal refusal_of(Media::MoveError error) {
  using Kind = Upkeep::Refusal::Kind;
  const bool unknown = error == Media::MoveError::unknown_worker || error == Media::MoveError::unknown_room;
  const Kind kind = unknown ? Kind::unknown : error == Media::MoveError::no_room ? Kind::unavailable : Kind::conflict;
  return {kind, std::string(to_text(error))};
}

}  // namespace

Draining::Draining(Rooms& rooms, workers::Workers& workers, Media* media, StateLog& log, std::function<TimePoint()> now)
    : rooms_(rooms), workers_(workers), media_(media), log_(log), now_(std::move(now)) {
  rooms_.add_admission_step(*this);
  if (const auto stored = log_.get(drain_key)) {
    ByteReader reader(*stored);
    deadline_ = TimePoint(Duration(static_cast<std::int64_t>(reader.u64())));
    draining_ = reader.ok();
  }
}

void Draining::decide(const AdmissionRequest&, AdmissionReply reply) {
  if (!draining_ && !ending_) return reply(Admit{}, now_());
  const std::string message = "The server is being emptied; join again in a while, or another server";
  reply(Refuse{.code = "SERVER_DRAINING",
               .message = message,
               .close_reason = "Server draining",
               .rejected_reason = "server draining",
               .temporary = true},
        now_());
}

void Draining::store() {
  if (!draining_) {
    log_.erase(drain_key);
    return;
  }
  std::array<std::byte, 8> bytes{};
  ByteWriter(bytes).u64(static_cast<std::uint64_t>(deadline_.time_since_epoch().count()));
  (void)log_.put(drain_key, bytes);
}

std::vector<Upkeep::WorkerState> Draining::workers() const {
  std::vector<WorkerState> states;
  for (const WorkerId id : workers_.ids()) {
    const auto transports = static_cast<std::uint32_t>(workers_.rows(id).transports.size());
    states.push_back({id, workers_.rooms_on(id), transports, workers_.is_closed(id)});
  }
  return states;
}

Result<void, Upkeep::Refusal> Draining::migrate(const RoomId& room, WorkerId to) {
  if (media_ == nullptr) return unexpected(Refusal{Refusal::Kind::unavailable, "this server carries no media"});
  const auto from = workers_.worker_of(room.value);
  if (auto moved = media_->move_room(room, to); !moved) return unexpected(refusal_of(moved.error()));
  log::info("room moves", {{"room", room.value}, {"from", from ? from->value : 0}, {"to", to.value}});
  return {};
}

Result<void, Upkeep::Refusal> Draining::drain_worker(WorkerId worker, bool undo) {
  const std::vector<WorkerId> ids = workers_.ids();
  if (std::find(ids.begin(), ids.end(), worker) == ids.end())
    return unexpected(Refusal{Refusal::Kind::unknown, "there is no such worker"});
  if (undo) {
    workers_.close(worker, false);
    return {};
  }
  const bool other =
      std::any_of(ids.begin(), ids.end(), [&](WorkerId id) { return id != worker && !workers_.is_closed(id); });
  if (!other || media_ == nullptr) return unexpected(Refusal{Refusal::Kind::conflict, "no other worker is left"});
  workers_.close(worker, true);
  not_before_.clear();
  waiting_ = true;
  return {};
}

void Draining::drain_server(std::optional<Duration> deadline, bool undo) {
  draining_ = !undo;
  deadline_ = deadline && !undo ? now_() + *deadline : never;
  store();
  log::info(undo ? "drain taken back" : "draining", {{"peers", rooms_.peers().size()}});
}

Upkeep::DrainState Draining::draining() const {
  DrainState state{draining_, ending_, std::nullopt};
  if (draining_ && deadline_ != never) state.left = std::max(deadline_ - now_(), Duration::zero());
  return state;
}

std::optional<WorkerId> Draining::least_loaded() const {
  std::optional<WorkerId> best;
  std::size_t least = 0;
  for (const WorkerId id : workers_.ids()) {
    if (workers_.is_closed(id)) continue;
    const std::size_t load = workers_.rows(id).transports.size();
    if (best && least <= load) continue;
    best = id;
    least = load;
  }
  return best;
}

void Draining::empty(TimePoint now, WorkerId worker) {
  for (const std::string& name : workers_.rooms_of(worker)) {
    waiting_ = true;
    const RoomId room(name);
    if (media_->is_moving(room)) continue;
    const auto pause = not_before_.find(room);
    if (pause != not_before_.end() && now < pause->second) continue;
    const auto to = least_loaded();
    if (!to) return;
    if (auto moved = migrate(room, *to); !moved) {
      not_before_[room] = now + try_again;
      log::warn("a room stays on a draining worker", {{"room", name}, {"reason", moved.error().message}});
    } else {
      not_before_.erase(room);
    }
  }
}

bool Draining::turn(TimePoint now) {
  waiting_ = false;
  if (media_ != nullptr) {
    for (const WorkerId worker : workers_.ids())
      if (workers_.is_closed(worker)) empty(now, worker);
  }
  if (!draining_ || ending_) return false;
  // The record stays: a successor that finds itself started again ends as well.
  ending_ = rooms_.peers().empty() || now >= deadline_;
  return ending_;
}

TimePoint Draining::next_deadline() const {
  return waiting_ || draining_ ? now_() + look_again : never;
}

}  // namespace sluice::app
