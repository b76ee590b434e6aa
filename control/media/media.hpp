#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/ids.hpp"
#include "control/rooms/media_signaling.hpp"
#include "control/rooms/restrictions.hpp"
#include "control/workers/media_plane.hpp"
#include "shm/types/entropy.hpp"
#include "shm/types/time.hpp"

namespace sluice {

class StateLog;

/// What may be set of negotiation.
struct MediaConfig {
  /// Upper bound of what one peer may send, bit/s, told to its transport; 0 = none.
  std::uint32_t max_receive_bitrate = 0;
  /// Ask publishers for discontinuous transmission of Opus (`usedtx=1` in answers).
  bool opus_dtx = false;
};

/// Joins rooms and media: keeps one transport for each peer that made an offer, on the worker of its room, binds
/// publications to the m-lines that the peer sends on and subscriptions to those it receives on, and programs the worker
/// accordingly. Knows rooms only by the facts on the bus, which it subscribes to in its constructor: construct it before any
/// dialect (MediaSignaling says why).
///
/// - A publication is bound to the m-line that its `mid` names, else to the one that declares one of its `ssrcs`, else to
///   the first sending m-line of its kind that nothing is bound to. It may be started before the offer that carries it.
///   What arrives on an m-line without publication is dropped by the worker, as is that of a paused publication
///   and all that a member sends who is restricted (PeerRestricted); who may not receive has no active subscription.
/// - A subscription takes the first free receiving m-line of its kind; without one it waits for the next offer, and
///   ConsumerReady tells when it got one. An m-line keeps its SSRCs for life; they are never given to another.
/// - A held peer's media goes on. A peer that comes back with a new RTCPeerConnection gets a new transport; its
///   publications and subscriptions move to the new m-lines.
///
/// Publishes ConsumerReady, ConsumerCodecUnsupported, MediaConnected, MediaClosed, LayerForwarded. Everything that a
/// successor needs is in the StateLog when a call returns; restored by the constructor.
class Media final : public MediaSignaling {
 public:
  /// All borrowed for life. `log` may hold the entries of a predecessor.
  Media(Bus& bus, workers::MediaPlane& plane, StateLog& log, Entropy& entropy, MediaConfig config = {});
  ~Media() override;
  Media(const Media&) = delete;
  Media& operator=(const Media&) = delete;

  /// RFC 9429; see sdp/answerer.hpp for what is taken of an offer. Errors: SFU_OFFER_INVALID (malformed or lacking what we
  /// need; nothing has changed), SFU_TRANSPORT_CLOSED (the peer is in no room), SFU_UNAVAILABLE (no worker, or its tables
  /// are full).
  Result<Answer, OfferError> handle_offer(const PeerId& peer, std::string_view sdp, TimePoint now) override;
  /// Ignored: an ICE-lite server learns addresses from authenticated checks only (RFC 8445 section 2.5).
  void handle_candidate(const PeerId& peer, std::string_view raw_json) override;
  [[nodiscard]] std::optional<IceSession> ice_session(const PeerId& peer) const override;
  Result<IceSession, OfferError> restart_ice(const PeerId& peer, std::string_view ufrag, std::string_view pwd) override;
  [[nodiscard]] std::optional<std::string> mid_of_consumer(const ConsumerId& consumer) const override;

  /// Why a room is not moved.
  enum class MoveError : std::uint8_t {
    unknown_worker,
    unknown_room,  ///< nobody in it ever made an offer
    already_there,
    moving,   ///< it is still on its way from the last time
    no_room,  ///< the worker's tables are full
  };
  /// The room's transports go on at another worker, with keys and numberings and without any negotiation (docs/adr/0009).
  /// Takes some milliseconds after the call; survives a death of any process meanwhile.
  Result<void, MoveError> move_room(const RoomId& room, WorkerId to);
  [[nodiscard]] bool is_moving(const RoomId& room) const;
  /// Goes on with what is under way. To be called in every turn of the loop after workers were polled.
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline(TimePoint now) const;

  /// A worker holds a later decision about a member than the core: the predecessor could not keep it.
  struct NewerPolicy {
    std::uint64_t epoch = 0;  // Restrictions::epoch of it
    bool send_closed = false;
    bool receive_closed = false;
  };
  /// After a restart: drops what the room core did not restore. Call once it has.
  struct Survivors {
    std::function<bool(const PeerId&)> peer;
    std::function<bool(const ProducerId&)> producer;
    std::function<bool(const ConsumerId&)> consumer;
    std::function<Restrictions(const PeerId&)> restrictions = {};          // what the core holds of a peer
    std::function<void(const PeerId&, const NewerPolicy&)> outdated = {};  // and what workers know better
  };
  void keep_only(const Survivors& survivors);

  struct Stats {
    std::uint32_t rooms = 0;
    std::uint32_t transports = 0;
    std::uint32_t transports_connected = 0;
    std::uint32_t publications = 0;   // bound to an m-line
    std::uint32_t subscriptions = 0;  // bound to an m-line
    std::uint32_t subscriptions_waiting = 0;
  };
  [[nodiscard]] Stats stats() const;

  /// Which rows of a worker's live tables belong to a peer.
  struct PeerPlace {
    WorkerId worker;
    TransportId transport;
    std::vector<std::pair<ProducerId, PublicationId>> publications;
    std::vector<std::pair<ConsumerId, SubscriptionId>> subscriptions;
  };
  /// Nothing for a peer without media.
  [[nodiscard]] std::optional<PeerPlace> place_of(const PeerId& peer) const;
  /// One bound audio publication.
  struct AudioPlace {
    RoomId room;
    PeerId peer;
    ProducerId producer;
    WorkerId worker;
    PublicationId publication;
  };
  [[nodiscard]] std::vector<AudioPlace> audio_places() const;
  /// Writes that the state log refused (full): that state would not survive a restart. 0 is normal.
  [[nodiscard]] std::uint64_t store_failures() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
