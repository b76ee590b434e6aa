#pragma once

#include <cstdint>

#include "control/supervisor/child.hpp"
#include "control/supervisor/child_process.hpp"
#include "control/supervisor/child_user.hpp"
#include "control/supervisor/holdings.hpp"
#include "control/supervisor/supervisor_config.hpp"

namespace sluice::supervisor {

/// How each program is started and what it is given. All throw StartError.
class Launches {
 public:
  /// All are read at each start and outlive this.
  Launches(const SupervisorConfig& config, const Holdings& holdings, ChildUsers& users)
      : config_(config), holdings_(holdings), users_(users) {}

  [[nodiscard]] ChildProcess handshaker() const;
  [[nodiscard]] ChildProcess control() const;
  /// A worker without a place.
  [[nodiscard]] ChildProcess spare() const;
  /// Gives it place `index`.
  void assign(ChildProcess& spare, std::uint16_t index, const Child::Start& start) const;

 private:
  const SupervisorConfig& config_;
  const Holdings& holdings_;
  ChildUsers& users_;
};

}  // namespace sluice::supervisor
