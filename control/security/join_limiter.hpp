#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "control/bus/bus.hpp"
#include "control/rooms/admission.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "control/security/fixed_window.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct JoinLimits {
  std::uint32_t per_room_per_minute = 0;    // 0: no limit
  std::uint32_t per_tenant_per_minute = 0;  // 0: no limit
};

/// How many may join a room, or the rooms of a tenant, in a minute (contract section 38, `rateLimit`). One more is told
/// RATE_LIMITED and may ask again later; its connection stays, as section 22 says of that error.
///
/// The last step of admission, and only who really came in is counted: whoever is refused before it (no token, room full)
/// cannot use up the joins of others. The tenant is the metadata `__tenant`, which clients cannot set: policy tokens and the
/// hook beforeJoin give it. Who has none is not limited by tenant. Resuming a held place is no join.
class JoinLimiter final : public AdmissionStep {
 public:
  static constexpr std::string_view tenant_key = "__tenant";
  /// Of each of the two tables. When one is full of windows that are not over, new rooms (tenants) are not limited.
  static constexpr std::size_t windows_max = 50'000;

  /// Borrowed for life. Registers itself with `rooms`.
  JoinLimiter(Rooms& rooms, Bus& bus, JoinLimits limits);
  JoinLimiter(const JoinLimiter&) = delete;
  JoinLimiter& operator=(const JoinLimiter&) = delete;

  [[nodiscard]] AdmissionStage stage() const override { return AdmissionStage::join_rate; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override;

  /// What was counted stays counted.
  void set_limits(JoinLimits limits) { limits_ = limits; }
  /// Forgets windows that are over. Every minute or so.
  void sweep(TimePoint now);

  struct Statistics {
    std::uint64_t refused_by_room = 0;
    std::uint64_t refused_by_tenant = 0;
    std::uint64_t uncounted = 0;  // joins of rooms and tenants for which the tables had no place
  };
  [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }
  [[nodiscard]] std::size_t tracked() const noexcept { return rooms_.size() + tenants_.size(); }

 private:
  using Windows = std::unordered_map<std::string, FixedWindow>;
  /// The join that passed this step and is about to be made a fact.
  struct Passed {
    PeerId peer;
    std::string tenant;  // empty: none
    TimePoint now;
  };
  [[nodiscard]] static bool full(const Windows& windows, const std::string& key, std::uint32_t limit, TimePoint now);
  void count(Windows& windows, const std::string& key, TimePoint now);

  JoinLimits limits_;
  Windows rooms_;
  Windows tenants_;
  std::optional<Passed> passed_;
  Statistics statistics_;
  Bus::Subscription joined_;
};

}  // namespace sluice
