#pragma once

#include <sstream>

#include "tests/sim/sim_world.hpp"

namespace sluice::sim {

/// `n` peers who all publish (audio, and video in three layers) and receive each other.
class Call {
 public:
  /// `rids`: in the order of the offer; the pictures are q < h < f in any order.
  Call(std::uint64_t seed, std::uint32_t n, bool gcm = true, std::vector<std::string> rid_order = {"q", "h", "f"})
      : world(seed), rids(std::move(rid_order)) {
    for (std::uint32_t i = 0; i < n; ++i) {
      SimPeer& peer = world.add_peer(i, gcm);
      members.push_back(&peer);
      world.program(world.transport_of(peer));
      publish(peer, i);
    }
    for (std::uint32_t to = 0; to < n; ++to) {
      for (std::uint32_t from = 0; from < n; ++from) {
        if (from == to) continue;
        subscribe(to, from, true, n);
        subscribe(to, from, false, n);
      }
    }
  }

  PublicationWish video_of(std::uint32_t i, bool forward = true) const {
    return {PublicationId{2 * i, 1},
            TransportId{i, 1},
            true,
            "v",
            rids,
            forward,
            static_cast<std::uint8_t>(96 + 4 * (i % 3)),
            {}};
  }
  PublicationWish audio_of(std::uint32_t i) const {
    return {PublicationId{2 * i + 1, 1},
            TransportId{i, 1},
            false,
            "a",
            {},
            true,
            static_cast<std::uint8_t>(96 + 4 * (i % 3)),
            {}};
  }
  SubscriptionWish wish(std::uint32_t to, std::uint32_t from, bool video) const { return wishes.at({to, from, video}); }
  ReceivedStream& stream(std::uint32_t to, std::uint32_t from, bool video) {
    const std::uint32_t ssrc = wish(to, from, video).ssrc;
    for (ReceivedStream& s : members[to]->receiving) {
      if (s.ssrc == ssrc) return s;
    }
    std::abort();
  }

  SimWorld world;
  std::vector<std::string> rids;
  std::vector<SimPeer*> members;
  std::map<std::tuple<std::uint32_t, std::uint32_t, bool>, SubscriptionWish> wishes;

 private:
  void publish(SimPeer& peer, std::uint32_t i) {
    world.program(video_of(i), audio_of(i));
    for (std::uint8_t layer = 0; layer < 3; ++layer) {
      SentStream s;
      s.ssrc = 1000 * (i + 1) + layer;
      s.rtx_ssrc = s.ssrc + 100;
      s.mid = "v";
      s.rid = std::array{"q", "h", "f"}[layer];
      s.layer = layer;
      s.payload_type = video_of(i).payload_type;
      s.packets_per_frame = static_cast<std::uint8_t>(layer + 1);
      s.timestamp_base = 77'777U * (layer + 1) * (i + 1) * 1009U;
      s.sequence = static_cast<std::uint16_t>(65'000 + layer * 300);
      s.picture_id = static_cast<std::uint16_t>(32'700 + layer);
      peer.sending.push_back(s);
    }
    SentStream a;
    a.ssrc = 1000 * (i + 1) + 50;
    a.mid = "a";
    a.video = false;
    a.payload_type = static_cast<std::uint8_t>(audio_of(i).payload_type + 15);
    a.interval = std::chrono::milliseconds(20);
    a.timestamp_base = 5;
    peer.sending.push_back(a);
  }
  void subscribe(std::uint32_t to, std::uint32_t from, bool video, std::uint32_t n) {
    SubscriptionWish w;
    w.id = SubscriptionId{(to * n + from) * 2 + (video ? 0U : 1U), 1};
    w.transport = TransportId{to, 1};
    w.video = video;
    w.mid = (video ? "rv" : "ra") + std::to_string(from);
    w.ssrc = 0x10000 + (to * n + from) * 4 + (video ? 0U : 2U);
    w.rtx_ssrc = video ? w.ssrc + 1 : 0;
    w.publication = video ? video_of(from).id : audio_of(from).id;
    w.payload_type = static_cast<std::uint8_t>(100 + 4 * (to % 2));
    wishes[{to, from, video}] = w;
    ReceivedStream r;
    r.ssrc = w.ssrc;
    r.rtx_ssrc = w.rtx_ssrc;
    r.video = video;
    members[to]->receiving.push_back(r);
    world.program(w);
  }
};

struct Verdicts {
  std::uint64_t packets = 0, missing = 0, invalid = 0, empty = 0, switches = 0, frames = 0;
  std::vector<std::string> faults;
  std::set<std::uint8_t> layers;
};

/// Walks what one subscriber got in order of its sequence numbers and finds everything that the network cannot excuse.
inline Verdicts judge(const ReceivedStream& stream) {
  Verdicts v;
  const auto fault = [&](std::int64_t at, const std::string& what) {
    if (v.faults.size() < 5)
      v.faults.push_back("ssrc " + std::to_string(stream.ssrc) + " at " + std::to_string(at) + ": " + what);
  };
  const Seen* last = nullptr;
  std::int64_t last_number = -1;
  for (const auto& [number, seen] : stream.packets) {
    ++v.packets;
    const bool gap = last_number >= 0 && number != last_number + 1;
    if (gap) v.missing += static_cast<std::uint64_t>(number - last_number - 1);
    last_number = number;
    if (!seen.valid) {
      if (seen.count == 0) {
        ++v.empty;
      } else {
        ++v.invalid;
        fault(number, "wrong bytes");
      }
      continue;
    }
    v.layers.insert(seen.layer);
    if (last != nullptr && !gap) {
      const bool same_frame = last->frame == seen.frame && last->layer == seen.layer && last->publisher == seen.publisher;
      if (same_frame) {
        if (seen.index != last->index + 1) fault(number, "packet order within a frame");
        if (seen.timestamp != last->timestamp) fault(number, "timestamp within a frame");
        if (stream.video && seen.picture_id != last->picture_id) fault(number, "picture id within a frame");
      } else {
        // At a switch, the rest of the old layer's last frame may have been overtaken on the way up.
        const bool other_source = last->layer != seen.layer || last->publisher != seen.publisher;
        if (last->index + 1 != last->count && !other_source) fault(number, "frame cut short");
        if (!last->marker && !other_source) fault(number, "no marker at the end of a frame");
        if (seen.index != 0) fault(number, "frame begins in the middle");
        if (static_cast<std::int32_t>(seen.timestamp - last->timestamp) <= 0) fault(number, "timestamp goes back");
        if (stream.video && ((last->picture_id + 1) & 0x7fff) != seen.picture_id) {
          fault(number, "picture id " + std::to_string(last->picture_id) + " then " + std::to_string(seen.picture_id));
        }
        const bool same_source = last->layer == seen.layer && last->publisher == seen.publisher;
        if (!same_source && stream.video) {
          ++v.switches;
          if (!seen.key_frame) fault(number, "switch without a key frame");
        }
        if (stream.video && same_source && seen.frame != last->frame + 1 && !seen.key_frame) fault(number, "frame left out");
      }
    }
    if (seen.index == 0) ++v.frames;
    last = &seen;
  }
  return v;
}

}  // namespace sluice::sim
