#include "control/workers/workers.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "shm/types/byte_order.hpp"

namespace sluice::workers {
namespace {

constexpr std::string_view epoch_key = "workers/epoch";
constexpr std::string_view room_prefix = "workers/room/";

std::string room_key(std::string_view room) {
  return std::string(room_prefix) + std::string(room);
}

std::string closed_key(WorkerId worker) {
  return "workers/" + std::to_string(worker.value) + "/closed";
}

constexpr TableSizes segment_sizes{SegmentCapacity::transports, SegmentCapacity::publications,
                                   SegmentCapacity::subscriptions};

}  // namespace

Workers::Worker::Worker(WorkerInfo worker_info, StateLog& log)
    : info(std::move(worker_info)), state(segment_sizes), store(log, info.id) {}

Workers::Workers(StateLog& log, std::uint32_t rooms_per_worker_max) : log_(log), placement_(rooms_per_worker_max) {
  if (const auto stored = log_.get(epoch_key)) epoch_ = ByteReader(*stored).u32();
  next_epoch();
}

void Workers::next_epoch() {
  ++epoch_;
  std::array<std::byte, 4> bytes{};
  ByteWriter(bytes).u32(epoch_);
  if (!log_.put(epoch_key, bytes)) ++store_failures_;
}

Workers::Worker* Workers::find(WorkerId worker) const {
  const auto found = workers_.find(worker);
  return found == workers_.end() ? nullptr : found->second.get();
}

void Workers::attach(WorkerInfo info, WorkerChannel channel) {
  const WorkerId id = info.id;
  std::unique_ptr<Worker>& worker = workers_[id];
  if (worker == nullptr) {
    worker = std::make_unique<Worker>(std::move(info), log_);
    worker->store.load(worker->state);
  } else {
    worker->info = std::move(info);
    // A second link in one process: its generations go on above those of the first.
    next_epoch();
  }
  worker->link.reset();
  worker->link = std::make_unique<WorkerLink>(id, std::move(channel), worker->state, epoch_);
  placement_.add_worker(id);
  if (log_.get(closed_key(id))) placement_.close(id, true);
  restore_rooms();
}

void Workers::restore_rooms() {
  log_.for_each(room_prefix, [&](std::string_view key, Bytes value) {
    ByteReader reader(value);
    const WorkerId worker{reader.u16()};
    if (reader.ok()) placement_.restore(key.substr(room_prefix.size()), worker);
  });
}

void Workers::poll(TimePoint now) {
  dirty_ = false;
  for (const auto& [id, worker] : workers_) worker->link->poll(now, listener_);
}

void Workers::push(TimePoint now) {
  for (const auto& [id, worker] : workers_) worker->link->push(now);
}

TimePoint Workers::next_deadline() const {
  if (dirty_) return TimePoint::min();
  TimePoint deadline = never;
  for (const auto& [id, worker] : workers_) deadline = std::min(deadline, worker->link->next_deadline());
  return deadline;
}

std::vector<WorkerId> Workers::ids() const {
  std::vector<WorkerId> result;
  for (const auto& [id, worker] : workers_) result.push_back(id);
  return result;
}

int Workers::event_fd(WorkerId worker) const {
  const Worker* found = find(worker);
  return found == nullptr ? -1 : found->link->event_fd();
}

bool Workers::prepare_to_sleep() {
  if (dirty_) return false;
  return std::all_of(workers_.begin(), workers_.end(),
                     [](const auto& entry) { return entry.second->link->prepare_to_sleep(); });
}

std::optional<WorkerId> Workers::place_room(std::string_view room) {
  if (const auto known = placement_.find(room)) return known;
  const auto placed = placement_.place(room, [&](WorkerId worker) { return find(worker)->state.transports().size(); });
  if (!placed) return placed;
  std::array<std::byte, 2> bytes{};
  ByteWriter(bytes).u16(placed->value);
  if (!log_.put(room_key(room), bytes)) ++store_failures_;
  return placed;
}

bool Workers::move_room(std::string_view room, WorkerId to) {
  if (!placement_.move(room, to)) return false;
  std::array<std::byte, 2> bytes{};
  ByteWriter(bytes).u16(to.value);
  if (!log_.put(room_key(room), bytes)) ++store_failures_;
  return true;
}

void Workers::close(WorkerId worker, bool closed) {
  placement_.close(worker, closed);
  if (!closed) {
    log_.erase(closed_key(worker));
  } else if (!log_.put(closed_key(worker), {})) {
    ++store_failures_;
  }
}

bool Workers::settled(WorkerId worker) const {
  const Worker* found = find(worker);
  return found != nullptr && found->link->settled();
}

std::optional<PolicyMark> Workers::policy_of(WorkerId worker, PublicationId id) const {
  const LiveTables* tables = live(worker);
  const auto row = tables == nullptr ? std::nullopt : tables->publications.read(id);
  return row ? std::optional(PolicyMark{row->policy_epoch, row->forward == 1}) : std::nullopt;
}

std::optional<PolicyMark> Workers::policy_of(WorkerId worker, SubscriptionId id) const {
  const LiveTables* tables = live(worker);
  const auto row = tables == nullptr ? std::nullopt : tables->subscriptions.read(id);
  return row ? std::optional(PolicyMark{row->policy_epoch, row->active == 1}) : std::nullopt;
}

std::optional<TransportPhase> Workers::phase(WorkerId worker, TransportId id) const {
  const LiveTables* tables = live(worker);
  if (tables == nullptr) return std::nullopt;
  const auto row = tables->transports.read(id);
  if (!row) return std::nullopt;
  return static_cast<TransportPhase>(row->state);
}

void Workers::depart(WorkerId worker, TransportId id, DepartureSpec spec) {
  Worker* found = find(worker);
  if (found == nullptr) return;
  // If this process dies in between, both are there, and the worker keeps the transport until it is told otherwise.
  if (found->state.set_departure(id, std::move(spec))) found->store.save_departure(found->state, id);
  (void)remove(worker, id);
  dirty_ = true;
}

bool Workers::remove_departure(WorkerId worker, TransportId id) {
  Worker* found = find(worker);
  if (found == nullptr || !found->state.remove_departure(id)) return false;
  found->store.save_departure(found->state, id);
  dirty_ = true;
  return true;
}

std::vector<TransportId> Workers::departures(WorkerId worker) const {
  std::vector<TransportId> result;
  const Worker* found = find(worker);
  if (found == nullptr) return result;
  for (const auto& [id, spec] : found->state.departures()) result.push_back(id);
  return result;
}

void Workers::release_room(std::string_view room) {
  placement_.release(room);
  log_.erase(room_key(room));
}

const WorkerInfo* Workers::info(WorkerId worker) const {
  const Worker* found = find(worker);
  return found == nullptr ? nullptr : &found->info;
}

template <typename IdType, typename Spec>
std::optional<IdType> Workers::add(WorkerId worker, Spec spec) {
  Worker* found = find(worker);
  if (found == nullptr) return std::nullopt;
  found->store.reserve_incarnations(found->state);
  const auto id = found->state.add(std::move(spec));
  if (id) found->store.save(found->state, *id);
  dirty_ = true;
  return id;
}

template <typename IdType, typename Spec>
bool Workers::update(WorkerId worker, IdType id, Spec spec) {
  Worker* found = find(worker);
  if (found == nullptr || !found->state.update(id, std::move(spec))) return false;
  found->store.save(found->state, id);
  dirty_ = true;
  return true;
}

template <typename IdType>
bool Workers::remove(WorkerId worker, IdType id) {
  Worker* found = find(worker);
  if (found == nullptr) return false;
  const DesiredState::Removed removed = found->state.remove(id);
  if (!removed.found) return false;
  // The row itself first: if this process dies in between, what hangs on it is dropped when it is read back.
  found->store.save(found->state, id);
  for (const SubscriptionId subscription : removed.subscriptions) found->store.save(found->state, subscription);
  for (const PublicationId publication : removed.publications) found->store.save(found->state, publication);
  for (const SubscriptionId subscription : removed.emptied) found->store.save(found->state, subscription);
  dirty_ = true;
  return true;
}

std::optional<TransportId> Workers::add_transport(WorkerId worker, TransportSpec spec) {
  return add<TransportId>(worker, std::move(spec));
}
bool Workers::update_transport(WorkerId worker, TransportId id, TransportSpec spec) {
  return update(worker, id, std::move(spec));
}
bool Workers::remove_transport(WorkerId worker, TransportId id) {
  return remove(worker, id);
}
std::optional<PublicationId> Workers::add_publication(WorkerId worker, PublicationSpec spec) {
  return add<PublicationId>(worker, std::move(spec));
}
bool Workers::update_publication(WorkerId worker, PublicationId id, PublicationSpec spec) {
  return update(worker, id, std::move(spec));
}
bool Workers::remove_publication(WorkerId worker, PublicationId id) {
  return remove(worker, id);
}
std::optional<SubscriptionId> Workers::add_subscription(WorkerId worker, SubscriptionSpec spec) {
  return add<SubscriptionId>(worker, std::move(spec));
}
bool Workers::update_subscription(WorkerId worker, SubscriptionId id, SubscriptionSpec spec) {
  return update(worker, id, std::move(spec));
}
bool Workers::remove_subscription(WorkerId worker, SubscriptionId id) {
  return remove(worker, id);
}

const TransportSpec* Workers::transport(WorkerId worker, TransportId id) const {
  const Worker* found = find(worker);
  return found == nullptr ? nullptr : found->state.transports().find(id);
}
const PublicationSpec* Workers::publication(WorkerId worker, PublicationId id) const {
  const Worker* found = find(worker);
  return found == nullptr ? nullptr : found->state.publications().find(id);
}
const SubscriptionSpec* Workers::subscription(WorkerId worker, SubscriptionId id) const {
  const Worker* found = find(worker);
  return found == nullptr ? nullptr : found->state.subscriptions().find(id);
}

MediaPlane::Rows Workers::rows(WorkerId worker) const {
  Rows result;
  const Worker* found = find(worker);
  if (found == nullptr) return result;
  for (const auto& [slot, row] : found->state.transports().rows()) result.transports.push_back(row.first);
  for (const auto& [slot, row] : found->state.publications().rows()) result.publications.push_back(row.first);
  for (const auto& [slot, row] : found->state.subscriptions().rows()) result.subscriptions.push_back(row.first);
  return result;
}

void Workers::request_key_frame(WorkerId worker, PublicationId id) {
  Worker* found = find(worker);
  if (found == nullptr || found->state.publications().find(id) == nullptr) return;
  found->link->request_key_frame(id);
  dirty_ = true;
}

const LiveTables* Workers::live(WorkerId worker) const {
  const Worker* found = find(worker);
  return found == nullptr ? nullptr : &std::as_const(*found->link).shared().live;
}

std::optional<CounterSnapshot> Workers::counters(WorkerId worker) const {
  const Worker* found = find(worker);
  if (found == nullptr) return std::nullopt;
  return std::as_const(*found->link).shared().counters.snapshot();
}

const WorkerLink* Workers::link(WorkerId worker) const {
  const Worker* found = find(worker);
  return found == nullptr ? nullptr : found->link.get();
}
WorkerLink* Workers::link(WorkerId worker) {
  Worker* found = find(worker);
  return found == nullptr ? nullptr : found->link.get();
}

const DesiredState* Workers::desired(WorkerId worker) const {
  const Worker* found = find(worker);
  return found == nullptr ? nullptr : &found->state;
}

std::uint64_t Workers::store_failures() const {
  std::uint64_t failures = store_failures_;
  for (const auto& [id, worker] : workers_) failures += worker->store.failures();
  return failures;
}

}  // namespace sluice::workers
