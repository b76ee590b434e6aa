#pragma once

#include <cstdint>

#include "control/supervisor/child.hpp"
#include "control/supervisor/child_process.hpp"
#include "control/supervisor/child_user.hpp"
#include "control/supervisor/holdings.hpp"
#include "control/supervisor/roster.hpp"
#include "control/supervisor/supervisor_config.hpp"

namespace sluice::supervisor {

/// How each program is started and what it is given. The roster knows each process before it is given anything. All throw
/// StartError.
class Launches {
 public:
  /// All are used at each start and outlive this.
  Launches(const SupervisorConfig& config, const Holdings& holdings, Roster& roster, ChildUsers& users, ProcessLog& log)
      : config_(config), holdings_(holdings), roster_(roster), users_(users), log_(log) {}

  /// The keeper, listening under its name from here on.
  [[nodiscard]] ChildProcess keeper() const;

  [[nodiscard]] ChildProcess handshaker() const;
  [[nodiscard]] ChildProcess control() const;
  /// A worker without a place.
  [[nodiscard]] ChildProcess spare() const;
  /// Gives it place `index`.
  void assign(ChildProcess& spare, std::uint16_t index, const Child::Start& start) const;

 private:
  const SupervisorConfig& config_;
  const Holdings& holdings_;
  Roster& roster_;
  ChildUsers& users_;
  ProcessLog& log_;
};

}  // namespace sluice::supervisor
