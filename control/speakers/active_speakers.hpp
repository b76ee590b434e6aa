#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "control/rooms/ids.hpp"
#include "shm/types/loudness.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// One audio publication as it stands now.
struct HeardPublication {
  RoomId room;
  PeerId peer;
  ProducerId producer;
  std::optional<Loudness> level;  // nothing: no packet with a level came yet
};

/// Who speaks in each room, by audio levels over time (contract section 17). The dominant speaker is who has been the
/// loudest by some margin for some time; a cough does not take the floor, a pause does not lose it, and who spoke last keeps
/// it until another speaks or a long silence. Reads no clock; the interval between calls is free.
class ActiveSpeakers {
 public:
  /// Everything tuned. Levels in dB above silence (127 - |dBov|); 77 is -50 dBov, where a headset's room noise ends.
  struct Tuning {
    double speech = 77;                                       // quieter counts as nothing
    double loudest = 25;                                      // above that louder is no more: shouting keeps no floor
    double margin = 4;                                        // how much more active a challenger must be
    double floor = 3;                                         // activity that makes a speaker where there is none
    Duration rise = std::chrono::milliseconds(400);           // time constants of the activity
    Duration fall = std::chrono::milliseconds(1500);          //
    Duration lead = std::chrono::milliseconds(400);           // how long the margin must last
    Duration tenure = std::chrono::milliseconds(1500);        // no change sooner after a change, unless the floor is free
    Duration stale = std::chrono::milliseconds(600);          // no packets for so long: silence (DTX sends every 400 ms)
    Duration free_after = std::chrono::milliseconds(10'000);  // silence after which nobody is the speaker
  };
  struct Change {
    RoomId room;
    std::optional<PeerId> peer;  // nobody any more
    std::optional<ProducerId> producer;
    std::optional<PeerId> before;
    friend bool operator==(const Change&, const Change&) = default;
  };

  ActiveSpeakers() : ActiveSpeakers(Tuning{}) {}
  explicit ActiveSpeakers(const Tuning& tuning) : tuning_(tuning) {}

  /// All audio publications of all rooms as they stand now; those that are not there any more are forgotten. Returns who
  /// took or lost the floor, in order of rooms.
  std::vector<Change> update(TimePoint now, std::span<const HeardPublication> heard);
  /// Of a room, if anybody.
  [[nodiscard]] std::optional<PeerId> speaker_of(const RoomId& room) const;

 private:
  struct Voice {
    PeerId peer;
    std::uint32_t packets = 0;
    TimePoint last_packet;
    double activity = 0;
    bool present = false;  // in the update under way
  };
  struct Floor {
    std::map<ProducerId, Voice> voices;
    std::optional<ProducerId> speaker;
    std::optional<PeerId> speaker_peer;
    TimePoint taken;                       // when the speaker took it
    TimePoint last_speech;                 // of the speaker
    std::optional<ProducerId> challenger;  // who has the margin, and since when
    TimePoint leading_since;
  };
  void listen(TimePoint now, Duration passed, Voice& voice, const std::optional<Loudness>& level) const;
  [[nodiscard]] std::optional<Change> decide(TimePoint now, const RoomId& room, Floor& floor) const;
  [[nodiscard]] static Change give(TimePoint now, const RoomId& room, Floor& floor, std::optional<ProducerId> to);

  Tuning tuning_;
  std::map<RoomId, Floor> floors_;
  std::optional<TimePoint> last_;
};

}  // namespace sluice
