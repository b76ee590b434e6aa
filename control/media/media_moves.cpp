// A room goes from one worker to another while it plays.
#include <algorithm>

#include "control/media/media_impl.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

/// Records take milliseconds. After this long the new worker begins without them, and the clients connect anew.
constexpr Duration arrival_patience = 2s;
/// What was under way between workers has passed by then.
constexpr Duration closing_time = 1s;
constexpr Duration look_again = 5ms;

}  // namespace

Result<void, Media::MoveError> Media::Impl::move_room(const RoomId& room, WorkerId to) {
  const auto from = plane_.worker_of(room.value);
  if (plane_.info(to) == nullptr) return unexpected(MoveError::unknown_worker);
  if (!from) return unexpected(MoveError::unknown_room);
  if (*from == to) return unexpected(MoveError::already_there);
  if (moves_.contains(room)) return unexpected(MoveError::moving);

  media::RoomMove move;
  move.from = *from;
  move.to = to;
  std::vector<PeerId> moving;
  bool fits = true;
  for (const auto& [id, entry] : peers_) {
    const PeerMedia& peer = entry.media;
    if (peer.room != room || !peer.transport.valid() || peer.worker != *from) continue;
    moving.push_back(id);
    media::MovedPeer moved;
    moved.before = peer.transport;
    fits = fits && add_transport_of(peer, to, moved);
    move.peers.push_back(std::move(moved));
  }
  for (std::size_t i = 0; fits && i < moving.size(); ++i)
    fits = add_publications_of(peers_.at(moving[i]).media, to, move.peers[i]);
  for (std::size_t i = 0; fits && i < moving.size(); ++i)
    fits = add_subscriptions_of(peers_.at(moving[i]).media, move, move.peers[i]);
  if (!fits) {
    for (const media::MovedPeer& moved : move.peers) plane_.remove_transport(to, moved.after);
    return unexpected(MoveError::no_room);
  }

  // From here on it will happen: a successor finds the move and gives the peers their new names.
  store(room, move);
  const media::RoomMove& kept = moves_.insert_or_assign(room, std::move(move)).first->second;
  plane_.move_room(room.value, to);
  for (const PeerId& id : moving) {
    PeerMedia& peer = peers_.at(id).media;
    by_transport_.erase({peer.worker, peer.transport});
    for (const Line& line : peer.lines) by_subscription_.erase({peer.worker, line.subscription});
    media::rename(peer, kept);
    by_transport_.insert_or_assign({peer.worker, peer.transport}, id);
    for (const Line& line : peer.lines)
      if (line.subscription.valid()) by_subscription_.insert_or_assign({peer.worker, line.subscription}, id);
    store(id);
  }
  return {};
}

bool Media::Impl::add_transport_of(const PeerMedia& peer, WorkerId to, media::MovedPeer& moved) {
  workers::TransportSpec spec = *plane_.transport(peer.worker, peer.transport);
  const workers::TransportPlace here{peer.worker, peer.transport};
  moved.home = spec.home;
  spec.from = here;
  spec.home = spec.home ? spec.home : here;
  if (spec.home->worker == to) spec.home.reset();  // it comes back to where its peer sends
  const auto id = plane_.add_transport(to, std::move(spec));
  if (!id) return false;
  moved.after = *id;
  return true;
}

bool Media::Impl::add_publications_of(const PeerMedia& peer, WorkerId to, media::MovedPeer& moved) {
  for (const Line& line : peer.lines) {
    const auto* known = plane_.publication(peer.worker, line.publication);
    if (known == nullptr) continue;
    workers::PublicationSpec spec = *known;
    spec.transport = moved.after;
    const auto id = plane_.add_publication(to, std::move(spec));
    if (!id) return false;
    moved.publications.emplace_back(line.publication, *id);
  }
  return true;
}

bool Media::Impl::add_subscriptions_of(const PeerMedia& peer, const media::RoomMove& move, media::MovedPeer& moved) {
  for (const Line& line : peer.lines) {
    const auto* known = plane_.subscription(peer.worker, line.subscription);
    if (known == nullptr) continue;
    workers::SubscriptionSpec spec = *known;
    spec.transport = moved.after;
    PublicationId source;
    for (const media::MovedPeer& other : move.peers)
      for (const auto& [before, after] : other.publications)
        if (before == spec.publication) source = after;
    spec.publication = source;
    const auto id = plane_.add_subscription(move.to, std::move(spec));
    if (!id) return false;
    moved.subscriptions.emplace_back(line.subscription, *id);
  }
  return true;
}

void Media::Impl::restrict_where_it_was(const PeerMedia& peer) {
  const auto move = moves_.find(peer.room);
  if (move == moves_.end() || move->second.stage != media::RoomMove::Stage::preparing) return;
  const WorkerId from = move->second.from;
  const WorkerId to = move->second.to;
  for (const media::MovedPeer& moved : move->second.peers) {
    if (moved.after != peer.transport) continue;
    for (const auto& [before, after] : moved.publications) {
      const auto* old = plane_.publication(from, before);
      const auto* known = plane_.publication(to, after);
      if (old == nullptr) continue;
      workers::PublicationSpec spec = *old;
      spec.forward = known != nullptr && known->forward;
      spec.policy_epoch = mark_epoch(peer.policy_epoch);
      plane_.update_publication(from, before, std::move(spec));
    }
    for (const auto& [before, after] : moved.subscriptions) {
      const auto* old = plane_.subscription(from, before);
      const auto* known = plane_.subscription(to, after);
      if (old == nullptr) continue;
      workers::SubscriptionSpec spec = *old;
      spec.active = known != nullptr && known->active;
      spec.policy_epoch = mark_epoch(peer.policy_epoch);
      plane_.update_subscription(from, before, std::move(spec));
    }
  }
}

void Media::Impl::handle_timeout(TimePoint now) {
  for (auto entry = moves_.begin(); entry != moves_.end();) {
    const RoomId room = entry->first;
    media::RoomMove& move = entry->second;
    if (move.since == TimePoint{}) move.since = now;
    const media::RoomMove::Stage before = move.stage;
    const bool over = advance(now, move);
    ++entry;
    if (over) {
      moves_.erase(room);
      log_.erase(key_of_move(room));
    } else if (move.stage != before) {
      move.since = now;
      store(room, move);
    }
  }
}

TimePoint Media::Impl::next_deadline(TimePoint now) const {
  TimePoint next = never;
  for (const auto& [room, move] : moves_) {
    const bool waits = move.stage == media::RoomMove::Stage::closing && move.since != TimePoint{};
    next = std::min(next, waits ? std::max(move.since + closing_time, now + look_again) : now + look_again);
  }
  return next;
}

bool Media::Impl::advance(TimePoint now, media::RoomMove& move) {
  switch (move.stage) {
    case media::RoomMove::Stage::preparing:
      // Not before the new worker waits for them: then nothing that is relayed comes too early.
      if (!plane_.settled(move.to)) return false;
      for (const media::MovedPeer& peer : move.peers) send_off(move, peer);
      move.stage = media::RoomMove::Stage::departing;
      return false;
    case media::RoomMove::Stage::departing: {
      const bool late = now - move.since >= arrival_patience;
      const bool missing = std::any_of(move.peers.begin(), move.peers.end(), [&](const media::MovedPeer& peer) {
        return plane_.transport(move.to, peer.after) != nullptr && !plane_.phase(move.to, peer.after);
      });
      if (missing && !late) return false;
      for (const media::MovedPeer& peer : move.peers) welcome(move, peer);
      move.stage = media::RoomMove::Stage::closing;
      return false;
    }
    case media::RoomMove::Stage::closing:
      if (now - move.since < closing_time) return false;
      for (const media::MovedPeer& peer : move.peers) {
        // Whoever is the home of a peer goes on relaying.
        const auto* there = plane_.transport(move.to, peer.after);
        const workers::TransportPlace here{move.from, peer.before};
        if (there == nullptr || there->home != here) plane_.remove_departure(move.from, peer.before);
      }
      return true;
  }
  return true;
}

void Media::Impl::send_off(const media::RoomMove& move, const media::MovedPeer& peer) {
  if (plane_.transport(move.to, peer.after) == nullptr) {  // its peer has left meanwhile
    plane_.remove_transport(move.from, peer.before);
    return;
  }
  plane_.depart(move.from, peer.before, {{move.to, peer.after}, peer.publications, peer.subscriptions});
}

void Media::Impl::welcome(const media::RoomMove& move, const media::MovedPeer& peer) {
  const workers::TransportPlace there{move.to, peer.after};
  const bool home_again = peer.home && peer.home->worker == move.to;
  if (home_again) plane_.remove_departure(peer.home->worker, peer.home->transport);
  const auto* known = plane_.transport(move.to, peer.after);
  if (known == nullptr) return;
  if (peer.home && !home_again) plane_.depart(peer.home->worker, peer.home->transport, {there, {}, {}});
  const auto phase = plane_.phase(move.to, peer.after);
  workers::TransportSpec spec = *known;
  spec.from.reset();
  plane_.update_transport(move.to, peer.after, std::move(spec));
  const auto owner = by_transport_.find({there.worker, there.transport});
  if (owner == by_transport_.end()) return;
  PeerEntry& entry = peers_.at(owner->second);
  const bool was_connected = entry.live.phase == workers::TransportPhase::connected;
  if (!was_connected || (phase && *phase >= workers::TransportPhase::connected)) return;
  // Its keys are lost: only another session helps.
  entry.live.dtls_over = true;
  bus_.publish(MediaClosed{owner->second, "the session could not be moved"});
}

std::string Media::Impl::key_of_move(const RoomId& room) {
  return "media/move/" + room.value;
}

void Media::Impl::store(const RoomId& room, const media::RoomMove& move) {
  put(key_of_move(room), media::encode(move));
}

void Media::Impl::restore_moves() {
  constexpr std::string_view prefix = "media/move/";
  log_.for_each(prefix, [&](std::string_view key, Bytes value) {
    if (auto move = media::decode_move(value))
      moves_.emplace(RoomId(std::string(key.substr(prefix.size()))), std::move(*move));
  });
  for (const auto& [room, move] : moves_) plane_.move_room(room.value, move.to);
}

/// Departures that no peer needs: the predecessor died before it took them away.
void Media::Impl::drop_orphan_departures() {
  std::set<workers::TransportPlace> needed;
  for (const auto& [room, move] : moves_) {
    for (const media::MovedPeer& peer : move.peers) {
      needed.insert({move.from, peer.before});
      if (peer.home) needed.insert(*peer.home);
    }
  }
  for (const WorkerId worker : plane_.ids()) {
    for (const TransportId id : plane_.rows(worker).transports) {
      const auto* spec = plane_.transport(worker, id);
      if (spec != nullptr && spec->home) needed.insert(*spec->home);
    }
  }
  for (const WorkerId worker : plane_.ids()) {
    for (const TransportId id : plane_.departures(worker))
      if (!needed.contains({worker, id})) plane_.remove_departure(worker, id);
  }
}

}  // namespace sluice
