#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/reliability/load_level.hpp"
#include "control/rooms/admission.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct BackpressureOptions {
  std::size_t max_peers = 10'000;
  std::chrono::milliseconds sample_interval{2'000};
  bool shedding = true;
  std::chrono::milliseconds join_slowdown{0};  // of joins at `elevated`
};

/// `load:<level>`: the level is another one now.
struct LoadChanged {
  LoadLevel level = LoadLevel::normal;
  LoadSample sample;
};

/// Slows, warns, refuses and in the end sheds, by real figures (contract section 24). An admission step; resuming passes no
/// admission and is always allowed.
class BackpressureController final : public AdmissionStep {
 public:
  /// Figures but that of peers, which it knows itself.
  using Probe = std::function<LoadSample()>;

  /// All borrowed for life.
  BackpressureController(Rooms& rooms, Bus& bus, BackpressureOptions options, Probe probe);

  [[nodiscard]] AdmissionStage stage() const override { return AdmissionStage::backpressure; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override;

  /// A client said something: it is not the longest idle any more.
  void heard(const PeerId& peer, TimePoint now);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept;

  [[nodiscard]] LoadLevel level() const noexcept { return level_; }
  [[nodiscard]] const LoadSample& sample() const noexcept { return sample_; }
  [[nodiscard]] std::size_t peer_count() const { return rooms_.peers().size(); }
  [[nodiscard]] const BackpressureOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::size_t shed() const noexcept { return shed_; }
  void set_options(BackpressureOptions options) { options_ = options; }

 private:
  struct Waiting {
    TimePoint until;
    AdmissionReply reply;
  };
  void take_sample(TimePoint now);
  void shed_some();

  Rooms& rooms_;
  Bus& bus_;
  BackpressureOptions options_;
  Probe probe_;
  LoadLevel level_ = LoadLevel::normal;
  LoadSample sample_;
  std::size_t shed_ = 0;
  TimePoint next_sample_{};
  std::deque<Waiting> waiting_;  // in order of time
  std::unordered_map<PeerId, TimePoint> heard_;
  Bus::Subscription peer_closed_;
};

}  // namespace sluice
