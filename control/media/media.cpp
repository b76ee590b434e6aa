#include "control/media/media.hpp"

#include "control/media/media_impl.hpp"

namespace sluice {

Media::Media(Bus& bus, workers::MediaPlane& plane, StateLog& log, Entropy& entropy, MediaConfig config)
    : impl_(std::make_unique<Impl>(bus, plane, log, entropy, config)) {}
Media::~Media() = default;

Result<Media::Answer, Media::OfferError> Media::handle_offer(const PeerId& peer, std::string_view sdp, TimePoint) {
  return impl_->handle_offer(peer, sdp);
}
void Media::handle_candidate(const PeerId&, std::string_view) {}
std::optional<Media::IceSession> Media::ice_session(const PeerId& peer) const {
  return impl_->ice_session(peer);
}
Result<Media::IceSession, Media::OfferError> Media::restart_ice(const PeerId& peer, std::string_view ufrag,
                                                                std::string_view pwd) {
  return impl_->restart_ice(peer, ufrag, pwd);
}
std::optional<std::string> Media::mid_of_consumer(const ConsumerId& consumer) const {
  return impl_->mid_of(consumer);
}
Result<void, Media::MoveError> Media::move_room(const RoomId& room, WorkerId to) {
  return impl_->move_room(room, to);
}
bool Media::is_moving(const RoomId& room) const {
  return impl_->is_moving(room);
}
void Media::handle_timeout(TimePoint now) {
  impl_->handle_timeout(now);
}
TimePoint Media::next_deadline(TimePoint now) const {
  return impl_->next_deadline(now);
}
void Media::keep_only(const Survivors& survivors) {
  impl_->keep_only(survivors);
}
Media::Stats Media::stats() const {
  return impl_->stats();
}

std::optional<Media::PeerPlace> Media::place_of(const PeerId& peer) const {
  return impl_->place_of(peer);
}
std::vector<Media::AudioPlace> Media::audio_places() const {
  return impl_->audio_places();
}

std::uint64_t Media::store_failures() const {
  return impl_->store_failures();
}

Media::Impl::Impl(Bus& bus, workers::MediaPlane& plane, StateLog& log, Entropy& entropy, MediaConfig config)
    : bus_(bus), plane_(plane), log_(log), entropy_(entropy), config_(config) {
  capabilities_.opus_dtx = config_.opus_dtx;
  restore();
  subscribe_to_facts();
  plane_.set_listener(this);
}

Media::Impl::~Impl() {
  plane_.set_listener(nullptr);
}

std::optional<std::string> Media::Impl::mid_of(const ConsumerId& consumer) const {
  const auto entry = consumers_.find(consumer);
  if (entry == consumers_.end()) return std::nullopt;
  const auto peer = peers_.find(entry->second.consumer.peer);
  if (peer == peers_.end()) return std::nullopt;
  for (const Line& line : peer->second.media.lines)
    if (line.consumer == consumer) return line.mid;
  return std::nullopt;
}

std::optional<Media::PeerPlace> Media::Impl::place_of(const PeerId& peer) const {
  const auto entry = peers_.find(peer);
  if (entry == peers_.end() || !entry->second.media.transport.valid()) return std::nullopt;
  PeerPlace place{entry->second.media.worker, entry->second.media.transport, {}, {}};
  for (const Line& line : entry->second.media.lines) {
    if (!line.producer.empty() && line.publication.valid()) place.publications.emplace_back(line.producer, line.publication);
    if (!line.consumer.empty() && line.subscription.valid())
      place.subscriptions.emplace_back(line.consumer, line.subscription);
  }
  return place;
}

std::vector<Media::AudioPlace> Media::Impl::audio_places() const {
  std::vector<AudioPlace> places;
  for (const auto& [id, entry] : peers_) {
    for (const Line& line : entry.media.lines) {
      if (line.kind == MediaKind::audio && !line.producer.empty() && line.publication.valid())
        places.push_back({entry.media.room, id, line.producer, entry.media.worker, line.publication});
    }
  }
  return places;
}

Media::Stats Media::Impl::stats() const {
  Stats stats;
  std::map<RoomId, bool> rooms;
  for (const auto& [id, entry] : peers_) {
    if (!entry.media.transport.valid()) continue;
    rooms[entry.media.room] = true;
    ++stats.transports;
    if (entry.live.phase == workers::TransportPhase::connected) ++stats.transports_connected;
    for (const Line& line : entry.media.lines) {
      if (!line.producer.empty()) ++stats.publications;
      if (!line.consumer.empty()) ++stats.subscriptions;
    }
  }
  stats.rooms = static_cast<std::uint32_t>(rooms.size());
  stats.subscriptions_waiting = static_cast<std::uint32_t>(consumers_.size()) - stats.subscriptions;
  return stats;
}

}  // namespace sluice
