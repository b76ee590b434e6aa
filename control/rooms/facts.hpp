#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/rooms/ids.hpp"
#include "control/rooms/metadata.hpp"
#include "control/rooms/peer_state.hpp"
#include "control/rooms/restrictions.hpp"
#include "shm/types/time.hpp"

/// What happens in rooms, as facts on the bus. Each is published exactly once, after the tables (Rooms, Publications) have
/// changed. When a peer goes, PeerLeft comes first, then SubscriptionEnded and PublicationEnded for what was its own;
/// RoomDestroyed, if it was the last, has no fixed place among these, so subscribers ignore ids they do not know.
namespace sluice {

// --- peers and rooms -----------------------------------------------------------------------------------------------------

/// Why a peer left its room.
enum class LeaveCause : std::uint8_t {
  left,            // it said so
  dropped,         // connection lost and no hold time applies
  hold_expired,    // connection lost and not resumed in time
  kicked,          // API, admin or moderator
  room_destroyed,  // its room was deleted
  shed,            // load shedding
  idle,            // idle for too long
};
[[nodiscard]] constexpr std::string_view to_string(LeaveCause cause) noexcept {
  switch (cause) {
    case LeaveCause::left:
      return "left";
    case LeaveCause::dropped:
      return "dropped";
    case LeaveCause::hold_expired:
      return "hold_expired";
    case LeaveCause::kicked:
      return "kicked";
    case LeaveCause::room_destroyed:
      return "room_destroyed";
    case LeaveCause::shed:
      return "shed";
    case LeaveCause::idle:
      break;
  }
  return "idle";
}

/// A connection opened and got a peer id (of a resuming client too: that id is thrown away later).
struct PeerConnected {
  PeerId peer;
  std::string dialect;
  std::string ip;
};
/// The peer id is gone from the peer table. Counterpart of PeerConnected; after PeerLeft if it was in a room.
struct PeerClosed {
  PeerId peer;
};
struct PeerJoined {
  PeerSnapshot peer;
  RoomId room;
};
struct PeerLeft {
  PeerSnapshot peer;  // `room` still names the room that it left
  RoomId room;
  LeaveCause cause = LeaveCause::left;
};
/// The connection was lost and the peer is held until `until`: it keeps its place, publications and subscriptions.
struct PeerSuspended {
  PeerId peer;
  RoomId room;
  TimePoint until;
};
struct PeerReconnected {
  PeerSnapshot peer;
  RoomId room;
};
struct PeerMetadataChanged {
  PeerId peer;
  std::optional<RoomId> room;
  Metadata patch;  // as given; `null` removed the key
};
/// Whether a member's media is forwarded has changed, or why it is not. Restrictions end silently with the membership.
struct PeerRestricted {
  PeerId peer;
  RoomId room;
  Restrictions restrictions;
};
/// A peer is put out. PeerLeft follows if it was in a room; the dialect says `kicked` and closes the connection.
struct PeerKicked {
  PeerId peer;
  std::optional<RoomId> room;
  LeaveCause cause = LeaveCause::kicked;  // kicked, room_destroyed, shed or idle
  std::string reason;
  std::optional<std::string> by;  // peer id of the moderator, or "system"
  /// Its connection is to be closed with this WebSocket code and nothing is to be said before; else by the rule of `cause`.
  std::optional<std::uint16_t> close_code = {};
};
struct RoomCreated {
  RoomId room;
  Metadata metadata;
};
struct RoomDestroyed {
  RoomId room;
};
struct RoomMetadataChanged {
  RoomId room;
  Metadata patch;  // merged; `null` is stored
};
struct RoomCapacityChanged {
  RoomId room;
  std::size_t capacity = 0;
};
/// A join refused by the room token or by the admission chain (contract section 5, steps 3 and 4).
struct JoinRejected {
  PeerId peer;
  RoomId room;
  std::string reason;
};

// --- messages -----------------------------------------------------------------------------------------------------------

/// Application data from a member (or "__admin__") to one member or to all others. Each dialect delivers to its own peers.
struct DataRelayed {
  RoomId room;
  std::string from;
  std::optional<PeerId> target;  // none: every member but the sender
  std::string payload;           // raw JSON text, to be passed on unchanged
};
/// A member's data message was for modules of the server (contract section 6) and is not relayed.
struct ControlPayloadTaken {
  RoomId room;
  PeerId peer;
  std::optional<PeerId> target = {};  // as the sender named it
  std::string payload = {};           // raw JSON text
};
/// A member's offer, answer or ICE candidate was passed on to another member, or taken by the server itself.
struct SignalRelayed {
  RoomId room;
  PeerId from;
  std::string to;    // peer id, or "__sfu__"
  std::string type;  // "offer", "answer", "ice-candidate"
  std::string body;  // raw JSON text
};
/// Server-side code sends a whole message (raw JSON object text) to a room.
struct RoomMessagePosted {
  RoomId room;
  std::string message;
  std::vector<PeerId> except;
};
/// The same to one peer.
struct PeerMessagePosted {
  PeerId peer;
  std::string message;
};

// --- publications and subscriptions ---------------------------------------------------------------------------------------

enum class PublicationKind : std::uint8_t { audio, video, data };
[[nodiscard]] constexpr std::string_view to_string(PublicationKind kind) noexcept {
  switch (kind) {
    case PublicationKind::audio:
      return "audio";
    case PublicationKind::video:
      return "video";
    case PublicationKind::data:
      break;
  }
  return "data";
}

struct PublicationStarted {
  RoomId room;
  PeerId peer;
  ProducerId producer;
  PublicationKind kind = PublicationKind::audio;
  std::string track_id;
  std::vector<std::string> layers;   // lowest first; empty = one layer
  std::optional<std::string> mid;    // the m-line that carries it, if the client named one
  std::vector<std::uint32_t> ssrcs;  // or the SSRCs, if it named those
};
struct PublicationEnded {
  RoomId room;
  PeerId peer;
  ProducerId producer;
  PublicationKind kind = PublicationKind::audio;
};
struct PublicationPaused {
  RoomId room;
  PeerId peer;
  ProducerId producer;
};
struct PublicationResumed {
  RoomId room;
  PeerId peer;
  ProducerId producer;
};

struct SubscriptionStarted {
  RoomId room;
  ConsumerId consumer;
  ProducerId producer;
  PeerId subscriber;
  PeerId publisher;
  PublicationKind kind = PublicationKind::audio;
  std::string track_id;
  std::string active_layer;           // highest layer's name; "" unless video
  std::optional<std::uint8_t> layer;  // its index, when the publication has layers
};
enum class SubscriptionEndReason : std::uint8_t { unsubscribed, publication_ended, subscriber_left };
struct SubscriptionEnded {
  RoomId room;
  ConsumerId consumer;
  ProducerId producer;
  PeerId subscriber;
  SubscriptionEndReason reason = SubscriptionEndReason::unsubscribed;
};
/// The subscriber itself paused or resumed its consumer.
struct SubscriptionPaused {
  RoomId room;
  ConsumerId consumer;
  PeerId subscriber;
};
struct SubscriptionResumed {
  RoomId room;
  ConsumerId consumer;
  PeerId subscriber;
};
/// The subscriber's manual ceiling: nothing above this layer is to be forwarded to it.
struct SubscriptionLayerSelected {
  RoomId room;
  ConsumerId consumer;
  PeerId subscriber;
  std::uint8_t layer = 0;  // index into the publication's layers
  std::string name;
};
/// A module that judges the receiver (adaptive bitrate) wants no layer above this one forwarded. Acts beside the
/// subscriber's own ceiling: the lower of the two holds. Not kept over a restart of control: the module says it anew on
/// RoomsRestored.
struct SubscriptionLayerTargeted {
  RoomId room;
  ConsumerId consumer;
  PeerId subscriber;
  std::optional<std::uint8_t> layer;  // index into the publication's layers; none: no bound
};

/// Another member of a room is its active speaker by the levels of its sound, or nobody is any more.
struct ActiveSpeakerChanged {
  RoomId room;
  std::optional<PeerId> peer;
  std::optional<ProducerId> producer;  // the sound that was heard
  std::optional<PeerId> before;
};

// --- media (published by the media module)
// -----------------------------------------------------------------------------------

/// A consumer got an m-line of its subscriber. Published whenever the m-line of a consumer becomes known or changes.
struct ConsumerReady {
  PeerId peer;
  ConsumerId consumer;
  std::string mid;
};
/// No codec in common between publisher and subscriber.
struct ConsumerCodecUnsupported {
  PeerId peer;
  ConsumerId consumer;
};
/// The peer's media transport is up: ICE and DTLS are done. Published again when it comes back after an interruption.
struct MediaConnected {
  PeerId peer;
  RoomId room;
};
/// Nothing authentic came from the peer's media transport for the time of ICE consent (RFC 7675), so nothing is sent to it
/// any more. It may come back (MediaConnected) by a check from wherever it is.
struct MediaInterrupted {
  PeerId peer;
  RoomId room;
};
/// Another layer of a consumer's publication, or none, is being forwarded now.
struct LayerForwarded {
  PeerId peer;
  ConsumerId consumer;
  std::optional<std::uint8_t> layer;  // index into the publication's layers; nothing: no media flows
  std::string name;                   // of that layer; empty without layers
};
/// The peer's media transport ended without its doing (DTLS failure, ICE consent lost).
struct MediaClosed {
  PeerId peer;
  std::string reason;
};
/// Two crashes of a media worker had this peer's packets in hand: its media is shut out while it stays in the room. An
/// alert: either its client is hostile, or it found a fault of ours.
struct MediaQuarantined {
  PeerId peer;
  RoomId room;
};

// --- resuming (published by the dialects)
// -------------------------------------------------------------------------------------------------------------

/// A client showed a token to resume by; `resumed` says whether it was good.
struct ResumeAttempted {
  bool resumed = false;
  std::optional<RoomId> room;  // of the token's holder, else what the client named; none: neither is known
};

// --- start
// ------------------------------------------------------------------------------------------------------------------

/// Rooms, peers, publications and subscriptions were read back after a restart of the control process; no other facts were
/// published for them. Peers are `reconnecting`. Subscribers take stock from Rooms and Publications.
struct RoomsRestored {};

}  // namespace sluice
