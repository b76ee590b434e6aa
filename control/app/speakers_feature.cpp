#include "control/app/speakers_feature.hpp"

#include <chrono>

namespace sluice::app {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// A listener sees the change of a speaker some hundred milliseconds late anyway; ten times a second would cost twice as
/// much.
constexpr Duration interval = 200ms;

template <typename Id>
json or_null(const std::optional<Id>& id) {
  return id ? json(id->value) : json();
}

}  // namespace

SpeakersFeature::SpeakersFeature(FeatureContext& context) : context_(context) {
  if (context.media == nullptr) return;
  subscriptions_.push_back(context.bus.subscribe<PublicationStarted>([this](const PublicationStarted& fact) {
    if (fact.kind != PublicationKind::audio) return;
    sounds_.insert(fact.producer);
    arm(context_.now());
  }));
  subscriptions_.push_back(
      context.bus.subscribe<PublicationEnded>([this](const PublicationEnded& fact) { sounds_.erase(fact.producer); }));
}

void SpeakersFeature::restored(TimePoint now) {
  if (context_.media == nullptr) return;
  for (const auto& [id, publication] : context_.publications->publications()) {
    if (publication.kind == PublicationKind::audio) sounds_.insert(id);
  }
  if (!sounds_.empty()) arm(now);
}

void SpeakersFeature::arm(TimePoint now) {
  if (next_ == never) next_ = now + interval;
}

void SpeakersFeature::handle_timeout(TimePoint now) {
  if (now < next_) return;
  std::vector<HeardPublication> heard;
  for (Media::AudioPlace& place : context_.media->audio_places()) {
    const LiveTables* live = context_.workers.live(place.worker);
    if (live == nullptr) continue;
    heard.push_back({std::move(place.room), std::move(place.peer), std::move(place.producer),
                     live->audio_levels.read(place.publication)});
  }
  for (ActiveSpeakers::Change& change : speakers_.update(now, heard)) {
    context_.events.emit("speaker:changed", {{"roomId", change.room.value},
                                             {"peerId", or_null(change.peer)},
                                             {"producerId", or_null(change.producer)},
                                             {"previousPeerId", or_null(change.before)}});
    context_.bus.publish(ActiveSpeakerChanged{std::move(change.room), std::move(change.peer), std::move(change.producer),
                                              std::move(change.before)});
  }
  // Once more after the last one ended: whoever had the floor loses it.
  next_ = sounds_.empty() && heard.empty() ? never : now + interval;
}

}  // namespace sluice::app
