#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/media_signaling.hpp"
#include "control/rooms/message_guard.hpp"
#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"
#include "control/sessions/sessions.hpp"
#include "control/signaling/connections/join_limit.hpp"
#include "control/signaling/whip/whip_offer.hpp"
#include "control/signaling/whip/whip_options.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/entropy.hpp"

namespace sluice {

inline constexpr std::string_view whip_dialect_name = "whip";

/// The sessions of WHIP and WHEP (RFC 9725, draft-ietf-wish-whep): one peer of the room core each, that speaks by HTTP. A
/// WHIP session publishes each m-line of its offer; a WHEP session receives the latest publication of each kind in its room
/// (or of one publisher), and when that ends the next latest, or the next that starts.
///
/// There is no connection whose end would tell that a client has gone: a session ends by DELETE, when it is put out, when
/// its media transport ends, or when that does not come up in time. It survives a death of this process: its record is in
/// the StateLog before the client learns of it, and restored() takes it up again.
class WhipSessions {
 public:
  /// All borrowed for life. Construct it after Media and Sessions.
  WhipSessions(Rooms& rooms, Publications& publications, MediaSignaling& media, Sessions& sessions, Bus& bus, StateLog& log,
               Entropy& entropy, WhipOptions options);
  ~WhipSessions();
  WhipSessions(const WhipSessions&) = delete;
  WhipSessions& operator=(const WhipSessions&) = delete;

  /// Asked for every session that is opened and every change of one; borrowed for life.
  void set_guard(MessageGuard& guard) { guard_ = &guard; }
  /// For sessions that are opened from now on, as in the options.
  void set_token_metadata_keys(std::vector<std::string> keys) { options_.token_metadata_keys = std::move(keys); }

  struct Request {
    whip::Role role = whip::Role::publish;
    RoomId room;
    std::string ip;
    std::string token;      // bearer; given to admission as metadata `policyToken`. Empty: none
    std::string publisher;  // WHEP: whose publications; empty: anybody's
    std::string offer;
  };
  struct Created {
    std::string id;  // of the session: unguessable, whoever knows it may end the session
    PeerId peer;
    std::string answer;
  };
  using Answer = Result<Created, whip::Failure>;
  /// Opens a session; `done` is called exactly once, now or (when admission takes time) later, unless cancel() comes first.
  /// The returned peer is for cancel(); empty when `done` has been called.
  PeerId open(Request request, TimePoint now, std::function<void(Answer)> done);
  /// The client went before it was answered.
  void cancel(const PeerId& peer);

  [[nodiscard]] bool contains(std::string_view id) const { return sessions_.contains(std::string(id)); }
  [[nodiscard]] std::optional<PeerId> peer_of(std::string_view id) const;
  /// Ends a session. False when there is none.
  bool close(std::string_view id);
  /// Our side of its ICE session; nothing when there is none (any more).
  [[nodiscard]] std::optional<MediaSignaling::IceSession> ice(std::string_view id) const;
  [[nodiscard]] Result<MediaSignaling::IceSession, whip::Failure> restart_ice(std::string_view id, std::string_view ufrag,
                                                                              std::string_view pwd);
  /// Counts a PATCH; false when it is one too many.
  [[nodiscard]] bool admit_patch(std::string_view id, TimePoint now);

  /// After the core was restored: sessions go on, records and peers without counterpart are dropped.
  void restored(TimePoint now);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;
  [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }

 private:
  struct Session {
    whip::Role role = whip::Role::publish;
    PeerId peer;
    std::string publisher;
    bool audio = false;  // what a WHEP session receives
    bool video = false;
    bool connected = false;
    std::uint32_t patches = 0;
    TimePoint patches_since{};
  };
  struct Opening;

  void joined(const std::shared_ptr<Opening>& opening, const JoinOutcome& outcome, TimePoint now);
  [[nodiscard]] Result<std::string, whip::Failure> negotiate(const Opening& opening, Session& session, TimePoint now);
  [[nodiscard]] Result<void, whip::Failure> publish(const Opening& opening, TimePoint now);
  /// Gives a WHEP session what it lacks and the room has; false when it has nothing at all.
  bool feed(const Session& session, TimePoint now);
  [[nodiscard]] const Publication* latest(const Session& session, PublicationKind kind) const;
  void keep(const std::string& id, Session session, TimePoint now);
  void forget(const std::string& id);
  void leave(const PeerId& peer, LeaveCause cause);
  void follow(Bus& bus);
  void feed_room_soon(const RoomId& room);

  Rooms& rooms_;
  Publications& publications_;
  MediaSignaling& media_;
  Sessions& held_;
  StateLog& log_;
  Entropy& entropy_;
  WhipOptions options_;
  MessageGuard* guard_ = nullptr;
  JoinLimit join_limit_;
  std::unordered_map<std::string, Session> sessions_;
  std::unordered_map<PeerId, std::string> by_peer_;
  std::set<std::pair<TimePoint, std::string>> connect_deadlines_;
  std::unordered_map<std::string, TimePoint> deadline_of_;
  // Facts come from the middle of other modules' changes: what they cause here waits for the end of the turn.
  std::set<PeerId> hungry_;
  std::set<PeerId> ending_;
  std::set<PeerId> unsupported_;  // who was told just now that nothing fits
  std::vector<Bus::Subscription> subscriptions_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sluice
