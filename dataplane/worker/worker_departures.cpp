// How a transport leaves for another worker, and what is done for it here from then on (docs/adr/0009).
#include <array>
#include <cstring>
#include <utility>

#include "dataplane/packet/packet_class.hpp"
#include "dataplane/worker/worker_impl.hpp"

namespace sluice {
namespace {

constexpr Duration push_on_after = std::chrono::milliseconds(2);  // the ring was full
/// The other worker may not have been told yet what comes, or it died; the pause doubles.
constexpr Duration push_again_first = std::chrono::milliseconds(20);
constexpr Duration push_again_last = std::chrono::milliseconds(500);
/// A peer that was moved away from its home, back and on again passes three.
constexpr std::uint8_t hops_max = 4;
/// In one message.
constexpr std::size_t spent_max = 8192;

template <typename Record>
Bytes bytes_of(const Record& record) {
  return std::as_bytes(std::span(&record, 1));
}

RelayHeader record_header(RelayKind kind, const DepartureSpec& departure) {
  RelayHeader header = relay_header(kind, departure.to);
  header.source = departure.transport.packed();
  header.layout_hash = RecoveryLayout::segment_layout_hash;
  return header;
}

RelayPaths paths_of(const Transport& transport) {
  RelayPaths paths;
  transport.ice().for_each_local_ufrag([&](std::string_view ufrag) { paths.ufrags.emplace_back(ufrag); });
  transport.ice().for_each_tuple([&](const Tuple& tuple) { paths.tuples.push_back(tuple); });
  return paths;
}

void add(WishLog::Handover& handover, RelayHeader header, Bytes body = {}) {
  header.count = static_cast<std::uint32_t>(handover.messages.size());
  handover.messages.push_back(relay_message(header, body));
}

}  // namespace

std::vector<WishLog::Handover> WorkerCore::Impl::make_handovers() {
  std::vector<WishLog::Handover> leaving;
  const DesiredState& wanted = stager_.committed();
  for (const auto& [key, departure] : wanted.departures) {
    if (departed_.contains(key)) continue;
    const auto row = wanted.transports.find(departure.transport.slot);
    if (row != wanted.transports.end() && row->second.id == departure.transport) continue;  // not yet
    MovedPublications moved;
    for (const auto& [other, d] : wanted.departures) {
      if (d.to_worker == departure.to_worker) moved.insert(d.publications.begin(), d.publications.end());
    }
    leaving.push_back(make_handover(departure, moved));
  }
  return leaving;
}

WishLog::Handover WorkerCore::Impl::make_handover(const DepartureSpec& departure, const MovedPublications& moved) {
  WishLog::Handover handover;
  handover.transport = departure.transport;
  Peer* peer = peer_of(departure.transport);
  if (peer == nullptr) {
    add(handover, record_header(RelayKind::nothing, departure));
    return handover;
  }
  batch_.flush();  // nothing is sealed here after its index was told
  const std::uint32_t slot = departure.transport.slot;
  handover.paths = paths_of(peer->transport);
  for (const auto& [before, after] : departure.publications) {
    const PublicationRecord& found = surroundings_.recovery.publications[before.slot];
    if (found.id != before.packed()) continue;
    PublicationRecord record = found;
    rename(record, after);
    add(handover, record_header(RelayKind::publication, departure), bytes_of(record));
  }
  std::set<std::uint32_t> spent(router_.spent_of(slot).begin(), router_.spent_of(slot).end());
  const auto is_moved = [&](SubscriptionId id) {
    return std::any_of(departure.subscriptions.begin(), departure.subscriptions.end(),
                       [&](const auto& row) { return row.first == id; });
  };
  for (Subscription* subscription : router_.subscriptions_of(slot)) {
    if (!subscription->sent_anything() || is_moved(subscription->id())) continue;
    spent.insert(subscription->spec().ssrc.value);
    if (subscription->spec().rtx_ssrc != Ssrc{}) spent.insert(subscription->spec().rtx_ssrc.value);
  }
  for (const auto& [before, after] : departure.subscriptions) {
    const SubscriptionRecord& found = surroundings_.recovery.subscriptions[before.slot];
    if (found.id != before.packed() || found.transport != departure.transport.packed()) continue;
    SubscriptionRecord record = found;
    rename(record, after, departure.to, moved);
    add(handover, record_header(RelayKind::subscription, departure), bytes_of(record));
  }
  if (!spent.empty()) {
    std::vector<std::uint32_t> list(spent.begin(), spent.end());
    list.resize(std::min(list.size(), spent_max));
    add(handover, record_header(RelayKind::spent, departure), std::as_bytes(std::span(std::as_const(list))));
  }
  TransportRecord record = surroundings_.recovery.transports[slot];
  rename(record, departure.to, moved);
  add(handover, record_header(RelayKind::transport, departure), bytes_of(record));
  record.sealer.keys.wipe();
  record.receiver.keys.wipe();
  return handover;
}

/// The wish log has it by now: whatever happens, this worker and its successors send nothing for it any more.
void WorkerCore::Impl::depart(TimePoint now, WishLog::Handover&& handover) {
  const DepartureSpec& departure = stager_.committed().departures.at(handover.transport.packed());
  if (Peer* peer = peer_of(handover.transport)) {
    if (peer->association != AssociationState::none) handshakes_.move(handover.transport, departure.to_worker, departure.to);
    remove_transport(handover.transport.slot, Router::Farewell::unsaid);
    surroundings_.counters.add(Counter::transports_departed);
  }
  const std::uint64_t key = handover.transport.packed();
  Departed& departed = departed_[key];
  departed.to_worker = departure.to_worker;
  departed.to = departure.to;
  departed.messages = std::move(handover.messages);
  departed.patience = push_again_first;
  departed.due = now;
  relay_due_ = now;
  set_paths(key, departed, std::move(handover.paths));
  push_handovers(now);
}

void WorkerCore::Impl::follow_departures(const std::vector<std::uint64_t>& changed) {
  for (const std::uint64_t key : changed) {
    const auto entry = departed_.find(key);
    if (entry == departed_.end()) continue;
    const auto wanted = stager_.committed().departures.find(key);
    if (wanted != stager_.committed().departures.end()) {
      entry->second.to_worker = wanted->second.to_worker;
      entry->second.to = wanted->second.to;
      continue;
    }
    set_paths(key, entry->second, {});
    departed_.erase(entry);
  }
}

void WorkerCore::Impl::restore_departed(std::vector<WishLog::Handover>&& left) {
  for (WishLog::Handover& handover : left) {
    const std::uint64_t key = handover.transport.packed();
    const DepartureSpec& departure = stager_.committed().departures.at(key);
    Departed& departed = departed_[key];
    departed.to_worker = departure.to_worker;
    departed.to = departure.to;
    departed.messages = std::move(handover.messages);
    departed.patience = push_again_first;
    if (!departed.messages.empty()) departed.due = relay_due_ = TimePoint{};  // at once
    set_paths(key, departed, std::move(handover.paths));
  }
}

void WorkerCore::Impl::set_paths(std::uint64_t key, Departed& departed, RelayPaths&& paths) {
  const auto forget = [key](auto& table, const auto& name) {
    const auto found = table.find(name);
    if (found != table.end() && found->second == key) table.erase(found);
  };
  for (const Tuple& tuple : departed.paths.tuples) forget(departed_tuples_, tuple);
  for (const std::string& ufrag : departed.paths.ufrags) forget(departed_ufrags_, ufrag);
  departed.paths = std::move(paths);
  for (const Tuple& tuple : departed.paths.tuples) departed_tuples_.insert_or_assign(tuple, key);
  for (const std::string& ufrag : departed.paths.ufrags) departed_ufrags_.insert_or_assign(ufrag, key);
}

void WorkerCore::Impl::push_handovers(TimePoint now) noexcept {
  relay_due_ = never;
  for (auto& [key, departed] : departed_) {
    if (departed.messages.empty() || relays_ == nullptr) continue;
    if (departed.due <= now) {
      while (departed.next < departed.messages.size() && relays_->push(departed.to_worker, departed.messages[departed.next]))
        ++departed.next;
      if (departed.next < departed.messages.size()) {
        departed.due = now + push_on_after;
      } else {
        departed.next = 0;
        departed.due = now + departed.patience;
        departed.patience = std::min(2 * departed.patience, push_again_last);
      }
    }
    relay_due_ = std::min(relay_due_, departed.due);
  }
}

void WorkerCore::Impl::on_settled(WorkerId from, const RelayHeader& header) {
  const auto entry = departed_.find(header.transport);
  if (entry == departed_.end() || entry->second.to_worker != from || entry->second.messages.empty()) return;
  entry->second.messages.clear();
  entry->second.messages.shrink_to_fit();
  entry->second.due = never;
  if (wishes_) wishes_->settle(TransportId::unpack(header.transport));
}

void WorkerCore::Impl::on_paths(WorkerId from, const RelayHeader& header, Bytes body) {
  const auto entry = departed_.find(header.transport);
  auto paths = decode_paths(body);
  if (!paths) return surroundings_.counters.add(Counter::drop_relay);
  if (entry == departed_.end() || entry->second.to_worker != from || entry->second.paths == *paths) return;
  // What another peer of ours has proven, nobody else can claim: peers here are looked up first.
  if (wishes_) wishes_->note_paths(TransportId::unpack(header.transport), *paths);
  set_paths(header.transport, entry->second, std::move(*paths));
}

bool WorkerCore::Impl::relay(const Tuple& from, Bytes datagram) noexcept {
  const auto found = departed_tuples_.find(from);
  if (found == departed_tuples_.end()) return false;
  relay_to(found->second, from, datagram);
  return true;
}

bool WorkerCore::Impl::relay_named(std::string_view ufrag, const Tuple& from, Bytes datagram) noexcept {
  const auto found = departed_ufrags_.find(ufrag);
  if (found == departed_ufrags_.end()) return false;
  relay_to(found->second, from, datagram);
  return true;
}

void WorkerCore::Impl::relay_to(std::uint64_t key, const Tuple& from, Bytes datagram) noexcept {
  const auto entry = departed_.find(key);
  std::array<std::byte, sizeof(RelayHeader) + datagram_size_max> message;
  if (entry == departed_.end() || relays_ == nullptr || hops_ >= hops_max || datagram.size() > datagram_size_max)
    return surroundings_.counters.add(Counter::drop_relay);
  const std::size_t size = write_relayed(message, from, static_cast<std::uint8_t>(hops_ + 1), datagram);
  const bool pushed = relays_->push(entry->second.to_worker, Bytes(message).first(size));
  surroundings_.counters.add(pushed ? Counter::datagrams_relayed : Counter::drop_relay);
}

}  // namespace sluice
