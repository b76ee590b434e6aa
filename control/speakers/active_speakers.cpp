#include "control/speakers/active_speakers.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// How far a first-order filter goes in `passed`; right for any interval, exact enough for these.
double way(Duration passed, Duration constant) {
  const double time = seconds_of(passed);
  return time / (time + seconds_of(constant));
}

/// A longer pause between two calls is no time that was listened to.
constexpr Duration passed_max = std::chrono::seconds(1);

}  // namespace

std::vector<ActiveSpeakers::Change> ActiveSpeakers::update(TimePoint now, std::span<const HeardPublication> heard) {
  const Duration passed = last_ ? std::clamp<Duration>(now - *last_, Duration{}, passed_max) : Duration{};
  last_ = now;
  for (const HeardPublication& publication : heard) {
    Floor& floor = floors_[publication.room];
    const auto [entry, fresh] = floor.voices.try_emplace(publication.producer);
    Voice& voice = entry->second;
    if (fresh) {
      voice.peer = publication.peer;
      voice.packets = publication.level ? publication.level->packets : 0;  // what was before we listened
      voice.last_packet = now - tuning_.stale;
    }
    voice.present = true;
    listen(now, passed, voice, publication.level);
  }
  std::vector<Change> changes;
  for (auto room = floors_.begin(); room != floors_.end();) {
    Floor& floor = room->second;
    for (auto voice = floor.voices.begin(); voice != floor.voices.end();) {
      const bool present = std::exchange(voice->second.present, false);
      voice = present ? std::next(voice) : floor.voices.erase(voice);
    }
    if (auto change = decide(now, room->first, floor)) changes.push_back(std::move(*change));
    room = floor.voices.empty() ? floors_.erase(room) : std::next(room);
  }
  return changes;
}

void ActiveSpeakers::listen(TimePoint now, Duration passed, Voice& voice, const std::optional<Loudness>& level) const {
  if (level && level->packets != voice.packets) {
    voice.packets = level->packets;
    voice.last_packet = now;
  }
  const bool stale = now - voice.last_packet >= tuning_.stale;
  const double loud = level && !stale ? static_cast<double>(Loudness::silence - level->below) : 0.0;
  const double target = std::clamp(loud - tuning_.speech, 0.0, tuning_.loudest);
  voice.activity += (target - voice.activity) * way(passed, target > voice.activity ? tuning_.rise : tuning_.fall);
}

ActiveSpeakers::Change ActiveSpeakers::give(TimePoint now, const RoomId& room, Floor& floor, std::optional<ProducerId> to) {
  Change change{room, std::nullopt, to, std::exchange(floor.speaker_peer, std::nullopt)};
  if (to) change.peer = floor.speaker_peer = floor.voices.at(*to).peer;
  floor.speaker = std::move(to);
  floor.taken = floor.last_speech = now;
  floor.challenger.reset();
  return change;
}

std::optional<ActiveSpeakers::Change> ActiveSpeakers::decide(TimePoint now, const RoomId& room, Floor& floor) const {
  const auto speaker = floor.speaker ? floor.voices.find(*floor.speaker) : floor.voices.end();
  const bool gone = floor.speaker && speaker == floor.voices.end();
  const double own = speaker == floor.voices.end() ? 0.0 : speaker->second.activity;
  if (own >= tuning_.floor) floor.last_speech = now;

  const auto best = std::max_element(floor.voices.begin(), floor.voices.end(),
                                     [](const auto& a, const auto& b) { return a.second.activity < b.second.activity; });
  const bool free = !floor.speaker || gone || own < tuning_.floor;
  const bool challenges = best != floor.voices.end() && best->first != floor.speaker &&
                          best->second.activity >= std::max(tuning_.floor, own + tuning_.margin);
  if (!challenges) {
    floor.challenger.reset();
  } else if (floor.challenger != best->first) {
    floor.challenger = best->first;
    floor.leading_since = now;
  }
  const bool leads = floor.challenger && now - floor.leading_since >= tuning_.lead;
  if (leads && (free || now - floor.taken >= tuning_.tenure)) return give(now, room, floor, floor.challenger);
  if (gone || (floor.speaker && now - floor.last_speech >= tuning_.free_after)) return give(now, room, floor, std::nullopt);
  return std::nullopt;
}

std::optional<PeerId> ActiveSpeakers::speaker_of(const RoomId& room) const {
  const auto found = floors_.find(room);
  return found == floors_.end() ? std::nullopt : found->second.speaker_peer;
}

}  // namespace sluice
