#include "control/app/fact_log.hpp"

#include "control/observability/log.hpp"
#include "control/rooms/facts.hpp"

namespace sluice::app {

FactLog::FactLog(Bus& bus) {
  const auto follow = [&]<typename Fact>(void (*write)(const Fact&)) {
    subscriptions_.push_back(bus.subscribe<Fact>(write));
  };
  follow(+[](const RoomCreated& fact) { log::info("room created", {{"room", fact.room.value}}); });
  follow(+[](const RoomDestroyed& fact) { log::info("room destroyed", {{"room", fact.room.value}}); });
  follow(+[](const PeerJoined& fact) {
    log::info("peer joined", {{"room", fact.room.value}, {"peer", fact.peer.id.value}});
  });
  follow(+[](const PeerLeft& fact) {
    log::info("peer left", {{"room", fact.room.value}, {"peer", fact.peer.id.value}, {"cause", to_string(fact.cause)}});
  });
  follow(+[](const PeerSuspended& fact) {
    log::info("peer suspended", {{"room", fact.room.value}, {"peer", fact.peer.value}});
  });
  follow(+[](const PeerReconnected& fact) {
    log::info("peer resumed", {{"room", fact.room.value}, {"peer", fact.peer.id.value}});
  });
  follow(+[](const JoinRejected& fact) {
    log::warn("join rejected", {{"room", fact.room.value}, {"peer", fact.peer.value}, {"reason", fact.reason}});
  });
  follow(+[](const MediaConnected& fact) { log::info("media connected", {{"peer", fact.peer.value}}); });
  follow(+[](const MediaClosed& fact) { log::warn("media closed", {{"peer", fact.peer.value}, {"reason", fact.reason}}); });
  follow(+[](const MediaQuarantined& fact) {
    log::error("ALERT: a session was quarantined, its packets stopped a media worker twice",
               {{"room", fact.room.value}, {"peer", fact.peer.value}});
  });
}

}  // namespace sluice::app
