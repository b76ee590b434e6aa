#include "control/security/audit/audit_trail.hpp"

#include <string_view>

#include "control/json/json_writer.hpp"

namespace sluice {
namespace {

std::string member(std::string_view name, std::string_view text) {
  std::string out;
  append_json_string(out, name);
  out += ':';
  append_json_string(out, text);
  return out;
}

/// A metadata value as it is, or what stands for a missing one.
std::string value_or(const Metadata& metadata, std::string_view key, std::string_view otherwise) {
  const std::string* value = metadata.find(key);
  return value == nullptr ? std::string(otherwise) : *value;
}

}  // namespace

AuditTrail::AuditTrail(Rooms& rooms, Bus& bus, AuditLog& log) : rooms_(rooms), log_(log) {
  follow(bus);
}

std::string AuditTrail::ip_member(const PeerId& peer) const {
  const auto found = addresses_.find(peer);
  return member("ip", log_.address(found == addresses_.end() ? std::string() : found->second));
}

void AuditTrail::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto write) { subscriptions_.push_back(bus.subscribe<Fact>(write)); };
  on.template operator()<PeerConnected>([this](const PeerConnected& fact) {
    addresses_[fact.peer] = fact.ip;
    log_.log("peer:connected", member("peerId", fact.peer.value) + "," + ip_member(fact.peer));
  });
  on.template operator()<PeerClosed>([this](const PeerClosed& fact) { addresses_.erase(fact.peer); });
  on.template operator()<PeerJoined>([this](const PeerJoined& fact) {
    const Metadata& metadata = fact.peer.metadata;
    log_.log("peer:joined", member("peerId", fact.peer.id.value) + "," + member("roomId", fact.room.value) + R"(,"sub":)" +
                                value_or(metadata, "__sub", "null") + R"(,"role":)" +
                                value_or(metadata, "__role", R"("unknown")") + R"(,"caps":)" +
                                value_or(metadata, "__caps", "[]") + "," + ip_member(fact.peer.id));
  });
  on.template operator()<PeerLeft>([this](const PeerLeft& fact) {
    log_.log("peer:left", member("peerId", fact.peer.id.value) + "," + member("roomId", fact.room.value) + "," +
                              ip_member(fact.peer.id) + "," + member("cause", to_string(fact.cause)));
  });
  on.template operator()<PeerReconnected>([this](const PeerReconnected& fact) {
    if (const Peer* peer = rooms_.find_peer(fact.peer.id)) addresses_[fact.peer.id] = peer->ip();
    log_.log("peer:reconnected",
             member("peerId", fact.peer.id.value) + "," + member("roomId", fact.room.value) + "," + ip_member(fact.peer.id));
  });
  on.template operator()<PeerKicked>([this](const PeerKicked& fact) {
    std::string members = member("peerId", fact.peer.value);
    if (fact.room) members += "," + member("roomId", fact.room->value);
    members += "," + member("reason", fact.reason) + "," + member("cause", to_string(fact.cause));
    if (fact.by) members += "," + member("by", *fact.by);
    log_.log("peer:kicked", members + "," + ip_member(fact.peer));
  });
  on.template operator()<JoinRejected>([this](const JoinRejected& fact) {
    log_.log("join:rejected", member("peerId", fact.peer.value) + "," + member("reason", fact.reason) + "," +
                                  ip_member(fact.peer) + "," + member("roomId", fact.room.value));
  });
  on.template operator()<RoomCreated>(
      [this](const RoomCreated& fact) { log_.log("room:created", member("roomId", fact.room.value)); });
  on.template operator()<RoomDestroyed>(
      [this](const RoomDestroyed& fact) { log_.log("room:destroyed", member("roomId", fact.room.value)); });
  on.template operator()<ThreatDetected>([this](const ThreatDetected& fact) {
    std::string members = member("level", to_string(fact.level)) + "," + member("threat", fact.threat);
    if (fact.peer) members += "," + member("peerId", fact.peer->value);
    log_.log("threat", members + "," + member("ip", log_.address(fact.ip)));
  });
  on.template operator()<AddressBanned>([this](const AddressBanned& fact) {
    log_.log(fact.by_rate_limit ? "ip:banned" : "ban",
             member("ip", log_.address(fact.ip)) + R"(,"until":)" + std::to_string(fact.until));
  });
  on.template operator()<AddressUnbanned>(
      [this](const AddressUnbanned& fact) { log_.log("unban", member("ip", log_.address(fact.ip))); });
  on.template operator()<RoomsRestored>([this](const RoomsRestored&) {
    for (const auto& [id, peer] : rooms_.peers()) addresses_[id] = peer->ip();
    log_.log("server:restored",
             R"("rooms":)" + std::to_string(rooms_.rooms().size()) + R"(,"peers":)" + std::to_string(rooms_.peers().size()));
  });
}

}  // namespace sluice
