#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/call.hpp"
#include "tests/sim/hostile_image.hpp"

namespace sluice::sim {

using Packet = std::vector<std::byte>;
struct HostileDatagram {
  Tuple from;
  Packet bytes;
};

/// A running call that is attacked: alice and bob see and hear each other; carol is programmed and never came; dave did his
/// checks and has no keys yet. Alice also has a publication whose SSRCs the offer declared. Everything that went up is
/// recorded.
class HostileScene {
 public:
  static constexpr std::uint32_t declared_ssrc = 5555, declared_rtx_ssrc = 5556;
  static constexpr std::uint8_t declared_payload_type = 110;

  explicit HostileScene(bool gcm)
      : call(9, 2, gcm),
        world(call.world),
        alice(*call.members[0]),
        bob(*call.members[1]),
        carol((world.connect_all(), world.add_peer(2, gcm))),
        dave(world.add_peer(3, gcm)) {
    world.tap = [this](bool up, const Tuple& peer, Bytes bytes) {
      if (up) recorded_[peer].emplace_back(world.now, Packet(bytes.begin(), bytes.end()));
      if (!up) heard = heard * 1099511628211U ^ std::hash<std::string_view>{}(as_text(bytes)) ^ peer.remote.port;
    };
    world.program(world.transport_of(carol), world.transport_of(dave), declared());
    dave.start(world.now);
    for (auto* insider : {&alice, &bob}) {
      // Seals like that peer and sends to nobody but us.
      twins_[insider] = std::make_unique<SimPeer>(
          insider->setup, [this](TimePoint, Bytes bytes) { sealed_.assign(bytes.begin(), bytes.end()); });
      twins_[insider]->set_keys();
    }
    world.run_for(std::chrono::seconds(3));
  }

  /// What `who` would send if it were hostile: anything, under its own keys.
  Packet rtp(const SimPeer& who, Packet plain) {
    sealed_.clear();
    twins_.at(&who)->send_rtp(world.now, std::move(plain));
    if (sealed_.empty()) throw std::logic_error("libsrtp does not seal that");
    return sealed_;
  }
  Packet rtcp(const SimPeer& who, Packet plain) {
    sealed_.clear();
    twins_.at(&who)->send_rtcp(world.now, std::move(plain));
    if (sealed_.empty()) throw std::logic_error("libsrtp does not seal that");
    return sealed_;
  }

  enum class Kind { stun, rtp, rtcp };
  /// What `who` has really sent and the worker has got, oldest first.
  [[nodiscard]] std::vector<Packet> recorded(const SimPeer& who, Kind kind) const {
    std::vector<Packet> out;
    for (const auto& [at, bytes] : recorded_.at(who.setup.tuple)) {
      const auto first = std::to_integer<unsigned>(bytes[0]);
      const auto second = std::to_integer<unsigned>(bytes[1]);
      const Kind is = first < 4 ? Kind::stun : second >= 192 && second <= 223 ? Kind::rtcp : Kind::rtp;
      if (is == kind && at + std::chrono::milliseconds(50) < world.now) out.push_back(bytes);
    }
    return out;
  }

  static PublicationWish declared() {
    return {PublicationId{20, 1},
            TransportId{0, 1},
            true,
            "d",
            {},
            true,
            declared_payload_type,
            {{0, declared_ssrc, declared_rtx_ssrc}}};
  }
  [[nodiscard]] const TransportRecord& record(const SimPeer& who) const {
    return world.memory.transports[who.setup.id.slot];
  }
  /// The replay window of authentic packets moves; nothing else may.
  static std::vector<AllowedChange> replay_window_of(const SimPeer& who) {
    return {{who.setup.id.slot, offsetof(TransportRecord, receiver) + offsetof(SrtpReceiverState, streams),
             sizeof(SrtpReceiverState::streams)}};
  }

  Call call;
  SimWorld& world;
  SimPeer& alice;
  SimPeer& bob;
  SimPeer& carol;
  SimPeer& dave;
  Tuple stranger{SocketAddress::from_ipv4({192, 0, 2, 66}, 6666), 0};
  std::vector<Packet> kept;  ///< sealed in time for later
  std::uint64_t heard = 0;   ///< a hash of every datagram that left the worker, in order

 private:
  std::map<Tuple, std::vector<std::pair<TimePoint, Packet>>> recorded_;
  std::map<const SimPeer*, std::unique_ptr<SimPeer>> twins_;
  Packet sealed_;
};

}  // namespace sluice::sim
