#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "control/bus/bus.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/types/entropy.hpp"
#include "shm/types/time.hpp"

namespace sluice::test {

/// The room core with a clock of its own, for modules that follow its facts. Unix time began at `unix_base` on that clock.
struct RoomWorld {
  static constexpr std::int64_t unix_base = 1'714'000'000'000;
  TimePoint now = TimePoint{} + std::chrono::hours(1);
  Bus bus;
  SystemEntropy entropy;
  Rooms rooms{bus, entropy, {}, unix_clock()};

  [[nodiscard]] std::function<TimePoint()> clock() {
    return [this] { return now; };
  }
  [[nodiscard]] static std::function<std::int64_t(TimePoint)> unix_clock() {
    return [](TimePoint at) {
      return unix_base + std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
    };
  }
  [[nodiscard]] std::int64_t unix_now() const { return unix_clock()(now); }

  PeerId connect(const std::string& dialect = "native") { return rooms.connect(dialect, "192.0.2.1"); }
  PeerId join(const std::string& room, const Metadata& metadata = {}, Duration after = {}) {
    const PeerId peer = connect();
    now += after;
    rooms.join(peer, RoomId(room), metadata, now, [](const JoinOutcome&, TimePoint) {});
    return peer;
  }
  void leave(const PeerId& peer) { rooms.leave(peer, LeaveCause::dropped); }
};

/// Refuses every join with a reason.
struct RefusingStep final : AdmissionStep {
  std::string reason = "no";
  [[nodiscard]] AdmissionStage stage() const override { return AdmissionStage::user_hook; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override {
    reply(Refuse{.message = reason, .close_reason = {}, .rejected_reason = {}}, request.now);
  }
};

}  // namespace sluice::test
