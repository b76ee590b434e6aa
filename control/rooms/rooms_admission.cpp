// Joining: the room id, the chain of admission steps, the capacity (contract section 5).
#include <algorithm>
#include <utility>

#include "control/rooms/rooms.hpp"

namespace sluice {

struct Rooms::Admission {
  PeerId peer;
  RoomId room;
  std::uint64_t number = 0;  // compared with the peer's: a peer that left and came back is not admitted by an old answer
  std::size_t next_step = 0;
  std::size_t max_peers = static_cast<std::size_t>(-1);
  std::function<void(const JoinOutcome&, TimePoint)> done;
};

void Rooms::add_admission_step(AdmissionStep& step) {
  const auto later = [](const AdmissionStep* a, const AdmissionStep* b) { return a->stage() < b->stage(); };
  steps_.insert(std::upper_bound(steps_.begin(), steps_.end(), &step, later), &step);
}

void Rooms::join(const PeerId& peer, RoomId room, const Metadata& metadata, TimePoint now,
                 std::function<void(const JoinOutcome&, TimePoint)> done) {
  Peer* found = peer_of(peer);
  if (found == nullptr || found->state_ != PeerState::connecting || found->admission_ != 0) return;
  auto admission = std::make_shared<Admission>();
  admission->peer = found->id_;
  admission->room = std::move(room);
  admission->number = found->admission_ = ++last_admission_;
  admission->done = std::move(done);
  if (!valid_id(admission->room)) {
    return refuse(admission, {JoinRefusal::Kind::invalid_room_id, "INVALID_ROOM_ID", {}, "Invalid roomId"}, now);
  }
  Metadata allowed;
  for (const auto& [key, value] : metadata.entries()) {
    if (!is_reserved_key(key)) allowed.append(key, value);
  }
  found->metadata_.merge(allowed, Metadata::NullMeans::remove);
  if (!within_limits(found->metadata_)) {
    const std::string message = "Metadata too large";
    return refuse(admission, {JoinRefusal::Kind::rejected, "JOIN_REJECTED", message, message}, now);
  }
  next_step(admission, now);
}

void Rooms::next_step(const std::shared_ptr<Admission>& admission, TimePoint now) {
  if (admission->next_step == steps_.size()) return admit(admission, now);
  AdmissionStep& step = *steps_[admission->next_step++];
  const Peer& peer = *find_peer(admission->peer);
  const AdmissionRequest request{peer.id_, admission->room, peer.ip_, peer.metadata_, now};
  AdmissionReply reply(
      [this, alive = std::weak_ptr<bool>(alive_), admission](AdmissionDecision decision, TimePoint answered) {
        if (!alive.expired()) decided(admission, std::move(decision), answered);
      },
      now);
  step.decide(request, std::move(reply));
}

void Rooms::decided(const std::shared_ptr<Admission>& admission, AdmissionDecision decision, TimePoint now) {
  Peer* peer = peer_of(admission->peer);
  if (peer == nullptr || peer->admission_ != admission->number) return;  // gone, or another attempt
  if (auto* refusal = std::get_if<Refuse>(&decision)) {
    const std::string reason = refusal->rejected_reason.empty() ? refusal->message : refusal->rejected_reason;
    std::string close_reason = refusal->close_reason.empty() ? refusal->message : refusal->close_reason;
    if (refusal->for_now) close_reason.clear();
    const auto kind = refusal->for_now ? JoinRefusal::Kind::rate_limited : JoinRefusal::Kind::rejected;
    bus_.publish(JoinRejected{peer->id_, admission->room, reason});
    return refuse(admission,
                  {kind, std::move(refusal->code), std::move(refusal->message), std::move(close_reason),
                   refusal->temporary || refusal->for_now},
                  now);
  }
  if (auto* failure = std::get_if<AdmissionFailure>(&decision)) {
    return refuse(admission, {JoinRefusal::Kind::failed, "AUTH_ERROR", std::move(failure->message), "Auth error"}, now);
  }
  const auto& admit = std::get<Admit>(decision);
  peer->metadata_.merge(admit.edits, Metadata::NullMeans::remove);
  if (admit.max_peers) admission->max_peers = std::min(admission->max_peers, *admit.max_peers);
  next_step(admission, now);
}

void Rooms::admit(const std::shared_ptr<Admission>& admission, TimePoint now) {
  Room* room = room_of(admission->room);
  if (room == nullptr && !options_.auto_create_rooms) {
    return refuse(admission, {JoinRefusal::Kind::room_not_found, "ROOM_NOT_FOUND", {}, "Room not found"}, now);
  }
  const std::size_t capacity =
      std::min(room != nullptr ? room->capacity_ : options_.max_peers_per_room, admission->max_peers);
  if ((room != nullptr ? room->members_.size() : 0) >= capacity) {
    return refuse(admission, {JoinRefusal::Kind::room_full, "ROOM_FULL", {}, {}}, now);
  }
  if (room == nullptr) room = &add_room(admission->room, {}, options_.max_peers_per_room, now);
  Peer* peer = peer_of(admission->peer);
  if (peer == nullptr || peer->admission_ != admission->number) return;  // put out by a subscriber of RoomCreated
  peer->admission_ = 0;
  peer->state_ = PeerState::joined;
  peer->room_ = admission->room;
  peer->join_number_ = ++last_join_number_;
  room->members_.push_back(peer->id_);
  room->visited_ = true;
  bus_.publish(PeerJoined{peer->snapshot(), admission->room});
  if (admission->done) admission->done({}, now);
}

void Rooms::refuse(const std::shared_ptr<Admission>& admission, JoinRefusal refusal, TimePoint now) {
  Peer* peer = peer_of(admission->peer);
  if (peer == nullptr) return;  // put out by a subscriber of JoinRejected
  peer->admission_ = 0;
  if (!refusal.keeps_peer()) close(admission->peer);
  if (admission->done) admission->done(unexpected(std::move(refusal)), now);
}

}  // namespace sluice
