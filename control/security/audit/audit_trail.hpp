#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "control/security/audit/audit_log.hpp"
#include "control/security/facts.hpp"

namespace sluice {

/// Writes what happens in rooms into the audit log: the table of contract section 25. What other modules tell (consent,
/// moderation, policy) is added by whoever hears their events.
class AuditTrail {
 public:
  /// All borrowed for life.
  AuditTrail(Rooms& rooms, Bus& bus, AuditLog& log);

 private:
  void follow(Bus& bus);
  /// `"ip":"…"`, as it may stand in the log.
  [[nodiscard]] std::string ip_member(const PeerId& peer) const;

  Rooms& rooms_;
  AuditLog& log_;
  std::unordered_map<PeerId, std::string> addresses_;  // of peers that are known, also while they are going
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
