#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/compliance/facts.hpp"
#include "control/rooms/admission.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/types/time.hpp"

namespace sluice {

enum class ViolationAction : std::uint8_t { reject, warn };

struct DataResidencyOptions {
  std::string local_region;
  std::vector<std::string> allowed_regions;  // empty: the local one
  bool enforce_room_region = true;
  bool enforce_peer_region = false;
  ViolationAction violation_action = ViolationAction::reject;
  std::size_t cache_max = 10'000;  // addresses whose region is remembered; the one not asked for longest goes
  Duration cache_ttl = std::chrono::hours(1);
};

/// Where rooms and members may be (contract section 31). Refuses rooms whose `__region` is not allowed and members whose
/// address is not in an allowed region. Members of a room that is where it may not be all the same (it was made before this
/// was switched on) are restricted: no media flows there.
class DataResidency final : public AdmissionStep, public RoomGuard {
 public:
  /// Answers with the region of an address, or with nothing when it cannot be told; now or later, once.
  using RegionReply = std::function<void(std::optional<std::string> region)>;
  using GeoLookup = std::function<void(const std::string& ip, TimePoint now, RegionReply reply)>;

  /// Borrowed for life. `lookup` may be empty: then peers are not judged. Registers itself with `rooms`. `now` is asked when
  /// a lookup ends.
  DataResidency(Rooms& rooms, Bus& bus, DataResidencyOptions options, GeoLookup lookup, std::function<TimePoint()> now);
  DataResidency(const DataResidency&) = delete;
  DataResidency& operator=(const DataResidency&) = delete;

  [[nodiscard]] AdmissionStage stage() const override { return AdmissionStage::residency; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override;
  [[nodiscard]] bool allows(const RoomId& room, const Metadata& metadata) override;

  [[nodiscard]] bool is_allowed(const std::string& region) const;
  /// From the cache, else by lookup.
  void resolve_region(const std::string& ip, TimePoint now, RegionReply reply);
  struct Stats {
    std::size_t cached = 0;
    std::uint64_t room_violations = 0;
    std::uint64_t peer_violations = 0;
  };
  [[nodiscard]] Stats stats() const { return {cache_.size(), room_violations_, peer_violations_}; }
  [[nodiscard]] const DataResidencyOptions& options() const noexcept { return options_; }

 private:
  struct Cached {
    std::string region;
    TimePoint until;
    std::list<std::string>::iterator place;
  };
  /// The region of a room that is not allowed.
  [[nodiscard]] std::optional<std::string> violation_of(const Metadata& metadata) const;
  void remember(const std::string& ip, const std::string& region, TimePoint now);
  void judge_room(const RoomId& room);
  void report(ResidencyViolated::Code code, const PeerId& peer, const RoomId& room, const std::string& region);

  Rooms& rooms_;
  Bus& bus_;
  DataResidencyOptions options_;
  GeoLookup lookup_;
  std::function<TimePoint()> now_;
  std::unordered_map<std::string, Cached> cache_;
  std::list<std::string> recent_;  // the one asked for last at the front
  std::uint64_t room_violations_ = 0;
  std::uint64_t peer_violations_ = 0;
  std::vector<Bus::Subscription> subscriptions_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late lookups find out that this is gone
};

}  // namespace sluice
