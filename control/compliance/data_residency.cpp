#include "control/compliance/data_residency.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"

namespace sluice {
namespace {

constexpr std::string_view region_key = "__region";

Refuse refusal(std::string message) {
  Refuse refuse;
  refuse.message = std::move(message);
  return refuse;
}

}  // namespace

DataResidency::DataResidency(Rooms& rooms, Bus& bus, DataResidencyOptions options, GeoLookup lookup,
                             std::function<TimePoint()> now)
    : rooms_(rooms), bus_(bus), options_(std::move(options)), lookup_(std::move(lookup)), now_(std::move(now)) {
  if (options_.allowed_regions.empty()) options_.allowed_regions = {options_.local_region};
  subscriptions_.push_back(bus.subscribe<PeerJoined>([this](const PeerJoined& fact) { judge_room(fact.room); }));
  subscriptions_.push_back(bus.subscribe<RoomMetadataChanged>([this](const RoomMetadataChanged& fact) {
    if (fact.patch.find(region_key) != nullptr) judge_room(fact.room);
  }));
  subscriptions_.push_back(bus.subscribe<RoomsRestored>([this](const RoomsRestored&) {
    std::vector<RoomId> ids;
    for (const auto& [id, room] : rooms_.rooms()) ids.push_back(id);
    for (const RoomId& id : ids) judge_room(id);
  }));
  rooms_.add_admission_step(*this);
  rooms_.add_guard(*this);
}

bool DataResidency::is_allowed(const std::string& region) const {
  const auto& allowed = options_.allowed_regions;
  return std::find(allowed.begin(), allowed.end(), region) != allowed.end();
}

// --- rooms
// -------------------------------------------------------------------------------------------------------------------

std::optional<std::string> DataResidency::violation_of(const Metadata& metadata) const {
  const std::string* raw = metadata.find(region_key);
  if (!options_.enforce_room_region || raw == nullptr || *raw == "null") return std::nullopt;
  const auto view = JsonView::parse(*raw);
  auto region = view ? view->as_string() : std::nullopt;
  if (!region) return *raw;  // no text: no region that could be allowed
  if (is_allowed(*region)) return std::nullopt;
  return region;
}

bool DataResidency::allows(const RoomId& room, const Metadata& metadata) {
  const auto region = violation_of(metadata);
  if (!region) return true;
  report(ResidencyViolated::Code::room_region_mismatch, {}, room, *region);
  return options_.violation_action != ViolationAction::reject;
}

void DataResidency::judge_room(const RoomId& room) {
  const Room* found = rooms_.find_room(room);
  if (found == nullptr) return;
  const bool barred = options_.violation_action == ViolationAction::reject && violation_of(found->metadata()).has_value();
  for (const PeerId& member : std::vector<PeerId>(found->members())) {
    (void)rooms_.restrict_media(member, Restriction::residency, MediaDirection::send, barred);
    (void)rooms_.restrict_media(member, Restriction::residency, MediaDirection::receive, barred);
  }
}

// --- members
// -----------------------------------------------------------------------------------------------------------------

void DataResidency::decide(const AdmissionRequest& request, AdmissionReply reply) {
  const Room* room = rooms_.find_room(request.room);
  if (room != nullptr && options_.violation_action == ViolationAction::reject) {
    if (const auto region = violation_of(room->metadata())) {
      return reply(refusal("Data residency policy prevents joining a room in region \"" + *region + "\""), request.now);
    }
  }
  if (!options_.enforce_peer_region || !lookup_) return reply(Admit{}, request.now);
  resolve_region(request.ip, request.now,
                 [this, alive = std::weak_ptr<bool>(alive_), reply, peer = request.peer,
                  room_id = request.room](const std::optional<std::string>& region) {
                   if (alive.expired()) return;
                   const TimePoint answered = now_();
                   if (!region) return reply(Admit{}, answered);
                   if (!is_allowed(*region)) {
                     report(ResidencyViolated::Code::peer_region_mismatch, peer, room_id, *region);
                     if (options_.violation_action == ViolationAction::reject) {
                       return reply(refusal("Data residency policy prevents joining from region \"" + *region + "\""),
                                    answered);
                     }
                     return reply(Admit{}, answered);
                   }
                   Admit admit;
                   std::string text;
                   append_json_string(text, *region);
                   admit.edits.append("__geoRegion", std::move(text));
                   reply(std::move(admit), answered);
                 });
}

void DataResidency::report(ResidencyViolated::Code code, const PeerId& peer, const RoomId& room, const std::string& region) {
  ++(code == ResidencyViolated::Code::room_region_mismatch ? room_violations_ : peer_violations_);
  bus_.publish(ResidencyViolated{code, peer, room, region, options_.violation_action == ViolationAction::reject});
}

// --- regions of addresses
// ----------------------------------------------------------------------------------------------------

void DataResidency::resolve_region(const std::string& ip, TimePoint now, RegionReply reply) {
  const auto known = cache_.find(ip);
  if (known != cache_.end() && known->second.until > now) {
    recent_.splice(recent_.begin(), recent_, known->second.place);
    return reply(known->second.region);
  }
  if (!lookup_) return reply(std::nullopt);
  lookup_(
      ip, now,
      [this, alive = std::weak_ptr<bool>(alive_), ip, answer = std::move(reply)](const std::optional<std::string>& region) {
        if (alive.expired()) return;
        if (region) remember(ip, *region, now_());
        answer(region);
      });
}

void DataResidency::remember(const std::string& ip, const std::string& region, TimePoint now) {
  const auto known = cache_.find(ip);
  if (known != cache_.end()) {
    known->second.region = region;
    known->second.until = now + options_.cache_ttl;
    recent_.splice(recent_.begin(), recent_, known->second.place);
    return;
  }
  if (cache_.size() >= options_.cache_max && !recent_.empty()) {
    cache_.erase(recent_.back());
    recent_.pop_back();
  }
  recent_.push_front(ip);
  cache_.emplace(ip, Cached{region, now + options_.cache_ttl, recent_.begin()});
}

}  // namespace sluice
