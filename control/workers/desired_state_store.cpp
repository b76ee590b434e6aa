#include "control/workers/desired_state_store.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "control/workers/command_codec.hpp"
#include "shm/types/byte_order.hpp"

namespace sluice::workers {
namespace {
// One write to the log for this many additions; a restart skips at most as many numbers of four thousand million.
constexpr std::uint32_t incarnations_at_once = 1024;
}  // namespace

DesiredStateStore::DesiredStateStore(StateLog& log, WorkerId worker)
    : log_(log), prefix_("workers/" + std::to_string(worker.value) + "/") {}

std::string DesiredStateStore::key(char kind, std::uint32_t slot) const {
  return prefix_ + kind + '/' + std::to_string(slot);
}

void DesiredStateStore::put(const std::string& key, Bytes value) {
  if (!log_.put(key, value)) ++failures_;
}

template <typename Table, typename IdType>
void DesiredStateStore::save_row(const Table& table, IdType id, char kind) {
  const auto* spec = table.find(id);
  if (spec != nullptr) {
    put(key(kind, id.slot), encode(id, *spec));
  } else if (!table.rows().contains(id.slot)) {
    log_.erase(key(kind, id.slot));
  }
}

void DesiredStateStore::save(const DesiredState& state, TransportId id) {
  save_row(state.transports(), id, 't');
}
void DesiredStateStore::save(const DesiredState& state, PublicationId id) {
  save_row(state.publications(), id, 'p');
}
void DesiredStateStore::save(const DesiredState& state, SubscriptionId id) {
  save_row(state.subscriptions(), id, 's');
}

void DesiredStateStore::save_departure(const DesiredState& state, TransportId id) {
  const std::string name = prefix_ + "d/" + std::to_string(id.packed());
  const auto found = state.departures().find(id);
  if (found == state.departures().end()) {
    log_.erase(name);
  } else {
    put(name, encode(id, found->second));
  }
}

void DesiredStateStore::reserve_incarnations(const DesiredState& state) {
  const std::uint32_t next = std::max({state.transports().next_incarnation(), state.publications().next_incarnation(),
                                       state.subscriptions().next_incarnation()});
  if (next < reserved_) return;
  reserved_ = next + incarnations_at_once;
  std::array<std::byte, 4> bytes{};
  ByteWriter(bytes).u32(reserved_);
  put(prefix_ + "incarnations", bytes);
}

void DesiredStateStore::load(DesiredState& state) {
  std::vector<std::string> dropped;
  log_.for_each(prefix_ + "t/", [&](std::string_view name, Bytes value) {
    auto row = decode_transport(value);
    if (!row || !state.transports().restore(row->first, std::move(row->second))) dropped.emplace_back(name);
  });
  log_.for_each(prefix_ + "p/", [&](std::string_view name, Bytes value) {
    auto row = decode_publication(value);
    const bool sound = row && state.transports().find(row->second.transport) != nullptr;
    if (!sound || !state.publications().restore(row->first, std::move(row->second))) dropped.emplace_back(name);
  });
  log_.for_each(prefix_ + "s/", [&](std::string_view name, Bytes value) {
    auto row = decode_subscription(value);
    if (row && state.publications().find(row->second.publication) == nullptr) row->second.publication = {};
    const bool sound = row && state.transports().find(row->second.transport) != nullptr;
    if (!sound || !state.subscriptions().restore(row->first, std::move(row->second))) dropped.emplace_back(name);
  });
  log_.for_each(prefix_ + "d/", [&](std::string_view name, Bytes value) {
    if (auto row = decode_departure(value)) {
      state.restore_departure(row->first, std::move(row->second));
    } else {
      dropped.emplace_back(name);
    }
  });
  for (const std::string& name : dropped) log_.erase(name);
  if (const auto stored = log_.get(prefix_ + "incarnations")) {
    ByteReader reader(*stored);
    const std::uint32_t next = reader.u32();
    if (reader.ok()) {
      state.transports().set_next_incarnation(std::max(next, state.transports().next_incarnation()));
      state.publications().set_next_incarnation(std::max(next, state.publications().next_incarnation()));
      state.subscriptions().set_next_incarnation(std::max(next, state.subscriptions().next_incarnation()));
    }
  }
}

}  // namespace sluice::workers
