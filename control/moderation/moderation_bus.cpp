#include "control/moderation/moderation_bus.hpp"

#include <algorithm>
#include <utility>

#include "control/json/json_writer.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {
namespace {

constexpr std::string_view lock_prefix = "moderation/lock/";

std::string lock_key(const RoomId& room) {
  return std::string(lock_prefix) + room.value;
}

/// At most `bytes_max` bytes, cut at a character.
std::string cut(const std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

ModerationBus::ModerationBus(Rooms& rooms, Bus& bus, StateLog& log, ModerationOptions options, HasCapability has_capability,
                             std::function<std::int64_t()> unix_ms)
    : rooms_(rooms),
      bus_(bus),
      state_(log),
      options_(options),
      has_capability_(std::move(has_capability)),
      unix_ms_(std::move(unix_ms)) {
  subscriptions_.push_back(bus.subscribe<RoomDestroyed>([this](const RoomDestroyed& fact) {
    if (locks_.erase(fact.room) != 0) (void)state_.erase(lock_key(fact.room));
  }));
  subscriptions_.push_back(bus.subscribe<RoomsRestored>([this](const RoomsRestored&) {
    std::vector<std::string> gone;
    state_.for_each(lock_prefix, [&](std::string_view key, Bytes value) {
      const RoomId room(std::string(key.substr(lock_prefix.size())));
      if (rooms_.find_room(room) != nullptr) {
        locks_.insert_or_assign(room, std::string(as_text(value)));
      } else {
        gone.emplace_back(key);
      }
    });
    for (const std::string& key : gone) (void)state_.erase(key);
  }));
  rooms_.add_admission_step(*this);
}

// --- who may
// -----------------------------------------------------------------------------------------------------------------

bool ModerationBus::authorized(const Act& act, std::string_view capability) const {
  const PeerId actor(act.actor);
  const Peer* peer = rooms_.find_peer(actor);
  if (peer == nullptr) return true;  // the system, or an operator's name
  if (peer->room() != act.room) return false;
  return !has_capability_ || has_capability_(actor, capability);
}

bool ModerationBus::on_target(const Act& act) const {
  const Peer* target = rooms_.find_peer(act.target);
  return target != nullptr && target->room() == act.room;
}

// --- actions
// -----------------------------------------------------------------------------------------------------------------

ModerationBus::Outcome ModerationBus::mute(const Act& act) {
  if (!authorized(act, "moderate")) return unexpected(ModerationError::unauthorized);
  if (!on_target(act)) return unexpected(ModerationError::not_found);
  // First the data plane, then words.
  (void)rooms_.restrict_media(act.target, Restriction::muted, MediaDirection::send, true);
  tell(act.target, "mod:muted", act, act.reason);
  JsonWriter others("mod:peer:muted");
  others.string("peerId", act.target.value).string("by", act.actor);
  (void)rooms_.post(act.room, others.finish(), {act.target});
  note("mute", act, act.reason);
  return {};
}

ModerationBus::Outcome ModerationBus::unmute(const Act& act) {
  const bool self = act.actor == act.target.value;
  const bool by_right = self && options_.allow_self_unmute && on_target(act);
  if (!by_right && !authorized(act, "moderate")) return unexpected(ModerationError::unauthorized);
  if (!on_target(act)) return unexpected(ModerationError::not_found);
  const std::string reason = self ? "self-unmute" : act.reason;
  (void)rooms_.restrict_media(act.target, Restriction::muted, MediaDirection::send, false);
  tell(act.target, "mod:unmuted", act, reason);
  note("unmute", act, reason);
  return {};
}

ModerationBus::Outcome ModerationBus::kick(const Act& act) {
  if (!authorized(act, "kick")) return unexpected(ModerationError::unauthorized);
  if (!on_target(act)) return unexpected(ModerationError::not_found);
  note("kick", act, act.reason);
  (void)rooms_.kick(act.target, act.reason, act.actor);
  return {};
}

ModerationBus::Outcome ModerationBus::warn(const Act& act) {
  if (!authorized(act, "moderate")) return unexpected(ModerationError::unauthorized);
  if (!on_target(act)) return unexpected(ModerationError::not_found);
  JsonWriter message("mod:warned");
  message.string("reason", act.reason).string("by", act.actor);
  (void)rooms_.post(act.target, message.finish());
  note("warn", act, act.reason);
  return {};
}

ModerationBus::Outcome ModerationBus::lock_room(const Act& act) {
  if (!authorized(act, "moderate")) return unexpected(ModerationError::unauthorized);
  if (rooms_.find_room(act.room) == nullptr) return unexpected(ModerationError::not_found);
  locks_.insert_or_assign(act.room, act.actor);
  (void)state_.put(lock_key(act.room), as_bytes(act.actor));
  (void)rooms_.post(act.room, JsonWriter("room:locked").string("lockedBy", act.actor).finish());
  note("lock:room", act, act.reason);
  return {};
}

ModerationBus::Outcome ModerationBus::unlock_room(const Act& act) {
  if (!authorized(act, "moderate")) return unexpected(ModerationError::unauthorized);
  if (rooms_.find_room(act.room) == nullptr) return unexpected(ModerationError::not_found);
  locks_.erase(act.room);
  (void)state_.erase(lock_key(act.room));
  (void)rooms_.post(act.room, JsonWriter("room:unlocked").string("unlockedBy", act.actor).finish());
  note("unlock:room", act, act.reason);
  return {};
}

void ModerationBus::report(const Report& report) {
  const Peer* reporter = rooms_.find_peer(report.reporter);
  if (reporter == nullptr || !reporter->room()) return;
  const RoomId room = *reporter->room();
  (void)rooms_.post(report.reporter, JsonWriter("mod:report:received").finish());
  const std::size_t most = options_.text_bytes_max;
  const std::string category = report.category.empty() ? "unspecified" : cut(report.category, most);
  const std::string target = cut(report.target, most);
  const std::string detail = cut(report.detail, most);
  bus_.publish(AbuseReported{report.reporter.value, target, room, category, detail, unix_ms_()});
  note("report:abuse", {room, PeerId(target), report.reporter.value, {}}, detail);
}

void ModerationBus::tell(const PeerId& peer, std::string_view type, const Act& act, const std::string& reason) {
  (void)rooms_.post(peer, JsonWriter(type).string("by", act.actor).string("reason", reason).finish());
}

// --- the log
// ----------------------------------------------------------------------------------------------------------------

void ModerationBus::note(std::string action, const Act& act, const std::string& reason) {
  ModerationEntry entry{std::move(action), act.actor, act.target.value, act.room, cut(reason, options_.text_bytes_max),
                        unix_ms_()};
  log_.push_back(entry);
  if (log_.size() > options_.log_max) log_.pop_front();
  bus_.publish(ModerationDone{std::move(entry)});
}

void ModerationBus::restore_log(std::vector<ModerationEntry> entries) {
  log_.insert(log_.begin(), std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
  while (log_.size() > options_.log_max) log_.pop_front();
}

std::vector<ModerationEntry> ModerationBus::log(const LogQuery& query) const {
  std::vector<ModerationEntry> found;
  for (auto entry = log_.rbegin(); entry != log_.rend() && found.size() < query.limit; ++entry) {
    if ((query.room && entry->room != *query.room) || (query.actor && entry->actor != *query.actor)) continue;
    found.push_back(*entry);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

// --- what is so
// -----------------------------------------------------------------------------------------------------------------

bool ModerationBus::is_muted(const PeerId& peer) const {
  const Peer* found = rooms_.find_peer(peer);
  return found != nullptr && found->restrictions().has(Restriction::muted, MediaDirection::send);
}

std::vector<PeerId> ModerationBus::muted_in(const RoomId& room) const {
  std::vector<PeerId> muted;
  const Room* found = rooms_.find_room(room);
  if (found == nullptr) return muted;
  std::copy_if(found->members().begin(), found->members().end(), std::back_inserter(muted),
               [&](const PeerId& peer) { return is_muted(peer); });
  return muted;
}

void ModerationBus::decide(const AdmissionRequest& request, AdmissionReply reply) {
  if (!is_locked(request.room)) return reply(Admit{}, request.now);
  Refuse refusal;
  refusal.message = "Room is currently locked by a moderator";
  reply(std::move(refusal), request.now);
}

}  // namespace sluice
