#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/sim_world.hpp"

namespace sluice::sim {

/// What became of the numbers of one received stream.
struct Audit {
  std::uint64_t sent = 0, missing = 0, lost_up = 0, lost_down = 0, cut_by_switches = 0;
  std::vector<std::string> faults;
};

/// Holds one received stream against what really happened to each packet: what the publishers sent and when it arrived at
/// the worker, what the worker sent and whether the network dropped it. Every number that the subscriber misses must be a
/// packet that never reached the worker, or one that the network took on the way down as often as it was sent, after as
/// many repairs as the limits allow. Everything that reached the worker in time must have been sent. For calls without
/// pauses; temporal layers are all forwarded.
class Auditor {
 public:
  explicit Auditor(const SimWorld& world) {
    for (const auto& [tuple, peer] : world.peers) {
      for (const SentStream& stream : peer->sending) {
        const Key key{static_cast<std::uint8_t>(peer->setup.id.slot), stream.layer, stream.video};
        sources_[key] = &stream;
        for (std::size_t i = 0; i < stream.log.size(); ++i) places_[key][{stream.log[i].frame, stream.log[i].index}] = i;
      }
    }
  }

  Audit audit(const ReceivedStream& stream) {
    audit_ = {};
    if (stream.packets.empty()) return audit_;
    for (const auto& [number, seen] : stream.packets) {
      if (!stream.sent.contains(number)) fault(number, "got what nobody sent");
    }
    const std::pair<const std::int64_t, Sent>* before = nullptr;
    for (const auto& now : stream.sent) {
      check_way_down(stream, now.first, now.second);
      if (now.second.seen.count == 0) {
        fault(now.first, "an empty packet, where nothing was padding");
        return audit_;
      }
      if (before != nullptr) check_way_up(stream, *before, now);
      before = &now;
    }
    return audit_;
  }

 private:
  struct Key {
    std::uint8_t publisher = 0, layer = 0;
    bool video = false;
    auto operator<=>(const Key&) const = default;
  };
  static Key key_of(const ReceivedStream& stream, const Seen& seen) { return {seen.publisher, seen.layer, stream.video}; }

  void check_way_down(const ReceivedStream& stream, std::int64_t number, const Sent& sent) {
    ++audit_.sent;
    const bool got = stream.packets.contains(number);
    if (sent.as_media > 1) fault(number, "sent twice");
    if (sent.arrives && !got) fault(number, "arrived and was not taken");
    if (got) return;
    // What is lost at the very ends, the subscriber cannot know of.
    if (number < stream.packets.begin()->first || number > stream.highest) return;
    ++audit_.missing;
    ++audit_.lost_down;
    if (stream.rtx_ssrc == 0) return;
    // Three repairs are the limit; below it, each question that is not too soon after the last repair gets one. Questions
    // come every 70 ms, the round trip is at most 190 ms: of three in a row, one is answered.
    const auto asked = stream.asked.find(number);
    const std::uint32_t questions = asked == stream.asked.end() ? 0 : asked->second;
    if (sent.as_rtx < 3 && questions > 3 * (sent.as_rtx + 1)) {
      fault(number, "asked for " + std::to_string(questions) + " times, resent " + std::to_string(sent.as_rtx) + " times");
    }
  }

  void check_way_up(const ReceivedStream& stream, const std::pair<const std::int64_t, Sent>& a,
                    const std::pair<const std::int64_t, Sent>& b) {
    const Key source = key_of(stream, a.second.seen);
    const auto place = places_[source].find({a.second.seen.frame, a.second.seen.index});
    if (place == places_[source].end()) return fault(a.first, "no publisher sent this");
    const std::vector<SentUp>& log = sources_.at(source)->log;
    const auto holes = static_cast<std::size_t>(b.first - a.first - 1);
    for (std::int64_t n = a.first + 1; n < b.first; ++n) {
      if (n < stream.packets.begin()->first || n > stream.highest) continue;
      ++audit_.missing;
      ++audit_.lost_up;
    }
    for (std::size_t i = 1; i <= holes; ++i) {
      if (place->second + i >= log.size()) return fault(a.first, "a hole for what was never sent");
      if (log[place->second + i].arrival != never) {
        fault(a.first + static_cast<std::int64_t>(i), "a hole for what reached the worker");
      }
    }
    const std::size_t next = place->second + holes + 1;
    if (key_of(stream, b.second.seen) == source) {
      const auto other = places_[source].find({b.second.seen.frame, b.second.seen.index});
      if (other == places_[source].end() || other->second != next) fault(b.first, "something was left out without a hole");
      return;
    }
    // A switch. What the old source sent behind its last number must have come after the switch, or not at all.
    if (b.second.seen.index != 0 || (stream.video && !b.second.seen.key_frame)) fault(b.first, "begins in the middle");
    if (next < log.size() && log[next].frame == log[next - 1].frame) ++audit_.cut_by_switches;
    for (std::size_t i = next; i < std::min(next + 40, log.size()); ++i) {
      if (log[i].arrival < b.second.first_sent) fault(b.first, "the switch left out what was there before it");
    }
  }

  void fault(std::int64_t at, const std::string& what) {
    if (audit_.faults.size() < 5) audit_.faults.push_back("at " + std::to_string(at) + ": " + what);
  }

  std::map<Key, const SentStream*> sources_;
  std::map<Key, std::map<std::pair<std::uint32_t, std::uint8_t>, std::size_t>> places_;
  Audit audit_;
};

}  // namespace sluice::sim
