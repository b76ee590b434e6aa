#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/media/media.hpp"
#include "control/media/media_model.hpp"
#include "control/media/room_move.hpp"
#include "control/media/session_change.hpp"
#include "control/rooms/facts.hpp"
#include "control/sdp/answerer.hpp"
#include "control/sdp/negotiation.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/policy_mark.hpp"

namespace sluice {

namespace media {
// RFC 8445 section 5.3 wants 24 and 128 bits of randomness; 6 bits a character.
inline constexpr std::size_t ufrag_characters = 8;
inline constexpr std::size_t pwd_characters = 24;
}  // namespace media

/// Media's inside, in six files: media_offers (an offer becomes lines and an answer), media_ice (restarts without offer),
/// media_binding (producers and consumers find lines, lines become worker rows), media_facts (what the bus and the workers
/// tell), media_moves (rooms go to another worker), media_restore (the state log).
///
/// The rule that keeps it simple: after any change, settle(peer) finds lines for whoever has none and writes the worker rows
/// anew from the model. Equal rows cost nothing, so it may run too often, never too seldom.
class Media::Impl final : private workers::MediaPlaneListener {
 public:
  Impl(Bus& bus, workers::MediaPlane& plane, StateLog& log, Entropy& entropy, MediaConfig config);
  ~Impl() override;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<Answer, OfferError> handle_offer(const PeerId& peer, std::string_view sdp);
  [[nodiscard]] std::optional<IceSession> ice_session(const PeerId& peer) const;
  Result<IceSession, OfferError> restart_ice(const PeerId& peer, std::string_view ufrag, std::string_view pwd);
  [[nodiscard]] std::optional<std::string> mid_of(const ConsumerId& consumer) const;
  void keep_only(const Survivors& survivors);
  Result<void, MoveError> move_room(const RoomId& room, WorkerId to);
  [[nodiscard]] bool is_moving(const RoomId& room) const { return moves_.contains(room); }
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline(TimePoint now) const;
  [[nodiscard]] Stats stats() const;
  [[nodiscard]] std::optional<PeerPlace> place_of(const PeerId& peer) const;
  [[nodiscard]] std::vector<AudioPlace> audio_places() const;
  [[nodiscard]] std::uint64_t store_failures() const noexcept { return store_failures_; }

 private:
  using Line = media::Line;
  using PeerMedia = media::PeerMedia;
  using Producer = media::Producer;
  using Consumer = media::Consumer;
  /// What is not worth keeping across a restart: the live tables tell it again.
  struct PeerLive {
    workers::TransportPhase phase = workers::TransportPhase::waiting;
    bool dtls_over = false;    // the association is gone for good: the next offer is a new session whatever it says
    bool quarantined = false;  // no session of this peer may be tried again
  };
  struct PeerEntry {
    PeerMedia media;
    PeerLive live;
  };
  struct ConsumerEntry {
    Consumer consumer;
    bool unsupported_told = false;
  };

  // --- media_offers.cpp
  std::optional<OfferError> open_session(PeerMedia& peer, const sdp::Negotiation& negotiation, media::SessionChange change);
  void forget_session(PeerMedia& peer);
  void adopt_lines(PeerMedia& peer, const sdp::Negotiation& negotiation);
  void remember_remote(PeerMedia& peer, const sdp::SessionDescription& offer, const sdp::Negotiation& negotiation);
  [[nodiscard]] std::string make_answer(PeerMedia& peer, const sdp::SessionDescription& offer,
                                        const sdp::Negotiation& negotiation);
  [[nodiscard]] workers::TransportSpec transport_spec(const sdp::Negotiation& negotiation) const;
  [[nodiscard]] Ssrc new_ssrc(const PeerMedia& peer);
  [[nodiscard]] std::string random_text(std::size_t characters);

  // --- media_binding.cpp
  /// Gives lines to this peer's producers and consumers, writes its worker rows, tells who is ready, stores it.
  void settle(const PeerId& id);
  /// The same for all who receive from `producer`.
  void settle_consumers_of(const ProducerId& producer);
  void bind_producers(const PeerId& id, PeerMedia& peer);
  /// True when a line changed hands.
  bool bind_consumers(const PeerId& id, PeerMedia& peer);
  void bind(PeerMedia& peer, Line& line, const ProducerId& id);
  void unbind_producer(PeerMedia& peer, Line& line);
  void free_line(PeerMedia& peer, Line& line);
  void write_rows(const PeerMedia& peer);
  void write_row(const PeerMedia& peer, const Line& line);
  /// How sure a line is the right one: named by the client, told by SSRC or held in the session before, or just free.
  enum class Turn : std::uint8_t { named, known, any };
  [[nodiscard]] Line* line_for(PeerMedia& peer, const Producer& producer, Turn turn);
  [[nodiscard]] Line* line_for(PeerMedia& peer, const Consumer& consumer, Turn turn, bool& unsupported);
  [[nodiscard]] bool fits(const Line& line, const Consumer& consumer) const;
  [[nodiscard]] const Line* line_of(const ProducerId& producer) const;
  [[nodiscard]] Line* line_of(PeerMedia& peer, const ProducerId& producer);
  [[nodiscard]] Line* line_of(PeerMedia& peer, const ConsumerId& consumer);
  [[nodiscard]] workers::PublicationSpec publication_spec(const PeerMedia& peer, const Line& line) const;
  [[nodiscard]] workers::SubscriptionSpec subscription_spec(const PeerMedia& peer, const Line& line) const;

  // --- media_facts.cpp
  /// Publishes what binding found out. The last thing that any entry point does.
  void tell();
  void subscribe_to_facts();
  void on(const PeerJoined& fact);
  void on(const PeerLeft& fact);
  void on(const PublicationStarted& fact);
  void on(const PublicationEnded& fact);
  void on(const SubscriptionStarted& fact);
  void on(const SubscriptionEnded& fact);
  void on(const SubscriptionLayerSelected& fact);
  void on(const SubscriptionLayerTargeted& fact);
  void pause_producer(const ProducerId& id, bool paused);
  void restrict(const PeerId& id, const Restrictions& restrictions);
  /// What the worker knows of a later decision than the core.
  [[nodiscard]] std::optional<NewerPolicy> newer_policy(const PeerId& id) const;
  void pause_consumer(const ConsumerId& id, bool paused);
  void drop_peer(const PeerId& id);
  void drop_producer(const ProducerId& id);
  void drop_consumer(const ConsumerId& id);
  void on_transport_changed(WorkerId worker, TransportId id, workers::TransportPhase phase,
                            workers::TransportFailure failure) override;
  void on_publication_changed(WorkerId worker, PublicationId id, std::uint8_t active_layers) override;
  void on_subscription_changed(WorkerId worker, SubscriptionId id, std::optional<std::uint8_t> layer) override;

  // --- media_moves.cpp
  /// While a room is about to move, its old worker still forwards: the new rows' permissions hold there too.
  void restrict_where_it_was(const PeerMedia& peer);
  [[nodiscard]] bool add_transport_of(const PeerMedia& peer, WorkerId to, media::MovedPeer& moved);
  [[nodiscard]] bool add_publications_of(const PeerMedia& peer, WorkerId to, media::MovedPeer& moved);
  [[nodiscard]] bool add_subscriptions_of(const PeerMedia& peer, const media::RoomMove& move, media::MovedPeer& moved);
  /// Does what can be done now; true when the move is over.
  bool advance(TimePoint now, media::RoomMove& move);
  void send_off(const media::RoomMove& move, const media::MovedPeer& peer);
  void welcome(const media::RoomMove& move, const media::MovedPeer& peer);
  [[nodiscard]] static std::string key_of_move(const RoomId& room);
  void store(const RoomId& room, const media::RoomMove& move);
  void restore_moves();
  void drop_orphan_departures();

  // --- media_restore.cpp
  void restore();
  void drop_orphan_rows();
  void put(const std::string& key, Bytes value);
  void store(const PeerId& id);
  void store(const ProducerId& id);
  void store(const ConsumerId& id);

  Bus& bus_;
  workers::MediaPlane& plane_;
  StateLog& log_;
  Entropy& entropy_;
  MediaConfig config_;
  sdp::Capabilities capabilities_;
  std::unordered_map<PeerId, PeerEntry> peers_;
  std::unordered_map<ProducerId, Producer> producers_;
  std::unordered_map<ConsumerId, ConsumerEntry> consumers_;
  // Indices into the above, so that nothing is searched for in all rooms.
  std::unordered_map<PeerId, std::map<std::uint64_t, ProducerId>> producers_of_;  // by order of start
  std::unordered_map<PeerId, std::map<std::uint64_t, ConsumerId>> consumers_of_;
  std::unordered_map<ProducerId, std::map<std::uint64_t, ConsumerId>> fed_by_;
  std::map<std::pair<WorkerId, TransportId>, PeerId> by_transport_;
  std::map<std::pair<WorkerId, SubscriptionId>, PeerId> by_subscription_;
  std::map<RoomId, media::RoomMove> moves_;
  std::uint64_t next_order_ = 1;
  std::uint64_t store_failures_ = 0;
  // Facts of a change under way. Told when it is complete, because whoever hears them may cause the next change.
  std::vector<ConsumerReady> ready_;
  std::vector<ConsumerCodecUnsupported> unsupported_;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
