#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/bwe/pacing_queue.hpp"
#include "dataplane/memory/flat_table.hpp"
#include "dataplane/router/router.hpp"
#include "dataplane/srtp/backend_choice.hpp"
#include "dataplane/worker/deadline_heap.hpp"
#include "dataplane/worker/event_writer.hpp"
#include "dataplane/worker/generation_stager.hpp"
#include "dataplane/worker/live_writer.hpp"
#include "dataplane/worker/peer.hpp"
#include "dataplane/worker/record_move.hpp"
#include "dataplane/worker/relay_message.hpp"
#include "dataplane/worker/wish_log.hpp"
#include "dataplane/worker/worker_core.hpp"
#include "dataplane/worker/worker_surroundings.hpp"
#include "schemas/handshake_generated.h"

namespace sluice {

class WorkerCore::Impl {
 public:
  explicit Impl(const WorkerSurroundings& surroundings);

  Adopted adopt(TimePoint now);

  void handle_datagram(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept;
  void handle_command(TimePoint now, const schema::Command& command);
  void handle_handshake(TimePoint now, const schema::Handshake& message);
  void handle_relay(TimePoint now, WorkerId from, MutableBytes message);
  void handle_timeout(TimePoint now) noexcept;
  [[nodiscard]] TimePoint next_deadline() const noexcept { return std::min(deadlines_.next(), relay_due_); }
  void flush() noexcept { batch_.flush(); }
  [[nodiscard]] const GenerationStager& stager() const noexcept { return stager_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };

  // --- datagrams (worker_datagrams.cpp)
  void on_stun(TimePoint now, const Tuple& from, Bytes datagram) noexcept;
  void on_dtls(TimePoint now, const Tuple& from, Bytes datagram) noexcept;
  void on_srtp(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept;
  void on_srtcp(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept;
  void apply(TimePoint now, Peer& peer, const IceChanges& changes) noexcept;
  [[nodiscard]] Peer* peer_at(const Tuple& tuple) noexcept;
  [[nodiscard]] Peer* peer_of(TransportId id) noexcept;
  void count(IceError error) noexcept;

  // --- the association (worker_association.cpp)
  void open_association(TimePoint now, Peer& peer) noexcept;
  void on_handshake_done(TimePoint now, Peer& peer, const schema::HandshakeDone& done);
  void on_handshake_failed(TimePoint now, Peer& peer, TransportReason reason);
  void on_handshaker_started(TimePoint now);
  void enter(TimePoint now, Peer& peer, TransportPhase phase, TransportReason reason = TransportReason::none) noexcept;

  // --- wishes (worker_wishes.cpp)
  void reconcile(TimePoint now, const GenerationChanges& changes);
  void set_transport(TimePoint now, const TransportSpec& spec, bool blank_allowed = false);
  void remove_transport(std::uint32_t slot, Router::Farewell farewell = Router::Farewell::said);
  void set_publication(TimePoint now, std::uint32_t slot);
  void set_subscription(TimePoint now, std::uint32_t slot);
  void adopt_waiting(TimePoint now);

  // --- adoption (worker_adoption.cpp)
  void judge_predecessor(Adopted& adopted);
  void clear_leftovers(const DesiredState& wanted, Adopted& adopted);
  void resume_peer(TimePoint now, Peer& peer);
  void restore_counts(Peer& peer);
  [[nodiscard]] bool quarantined(TransportId id) const { return quarantined_.contains(id); }
  void keep_wishes(const GenerationChanges& changes, const std::vector<WishLog::Handover>& leaving);

  // --- leaving (worker_departures.cpp)
  /// A transport that another worker has.
  struct Departed {
    WorkerId to_worker;
    TransportId to;
    RelayPaths paths;
    std::vector<RelayMessage> messages;  // until it says that it has them
    std::size_t next = 0;                // of them to push
    TimePoint due = never;               // when to push on, or anew
    Duration patience{};
  };
  [[nodiscard]] std::vector<WishLog::Handover> make_handovers();
  [[nodiscard]] WishLog::Handover make_handover(const DepartureSpec& departure, const MovedPublications& moved);
  void depart(TimePoint now, WishLog::Handover&& handover);
  void follow_departures(const std::vector<std::uint64_t>& changed);
  void restore_departed(std::vector<WishLog::Handover>&& left);
  void set_paths(std::uint64_t key, Departed& departed, RelayPaths&& paths);
  void push_handovers(TimePoint now) noexcept;
  void on_settled(WorkerId from, const RelayHeader& header);
  void on_paths(WorkerId from, const RelayHeader& header, Bytes body);
  /// Whether another worker has what this datagram is for: then it has been passed on, or dropped.
  bool relay(const Tuple& from, Bytes datagram) noexcept;
  bool relay_named(std::string_view ufrag, const Tuple& from, Bytes datagram) noexcept;
  void relay_to(std::uint64_t key, const Tuple& from, Bytes datagram) noexcept;

  // --- coming (worker_arrivals.cpp)
  /// Records of a transport that comes, until all are here.
  struct Arrival {
    std::map<std::uint32_t, PublicationRecord> publications;  // by slot
    std::map<std::uint32_t, SubscriptionRecord> subscriptions;
    std::vector<std::uint32_t> spent;
    std::set<std::uint32_t> seen;  // numbers of the messages that came
  };
  void on_record(TimePoint now, WorkerId from, const RelayHeader& header, Bytes body);
  void take_record(const TransportSpec& spec, Arrival& arrival, const RelayHeader& header, Bytes body);
  [[nodiscard]] bool take_over(TimePoint now, const TransportSpec& spec, Arrival& arrival, const RelayHeader& header,
                               Bytes body);
  void build_blank(TimePoint now, const TransportSpec& spec);
  void empty_rows_of(TransportId id);
  void forget_arrival(std::uint32_t slot) noexcept { arriving_.erase(slot); }
  void tell_settled(WorkerId to, const RelayHeader& header);
  void tell_paths(TimePoint now, Peer& peer) noexcept;

  // --- time
  void run(TimePoint now, Peer& peer) noexcept;
  void wake_woken(TimePoint now) noexcept;

  WorkerSurroundings surroundings_;
  std::unique_ptr<SrtpBackend> own_backend_;  // where nobody else gave one
  SrtpBackend& backend_;
  StunCodec stun_;
  AtOncePolicy at_once_;
  SealBatch batch_;
  TransportSurroundings for_transports_;
  GenerationStager stager_;
  Router router_;
  EventWriter events_;
  HandshakeWriter handshakes_;
  LiveWriter live_;
  std::vector<std::unique_ptr<Peer>> peers_;  // by slot
  FlatTable<Tuple, std::uint32_t> tuples_;    // validated tuples only -> slot
  std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> ufrags_;
  DeadlineHeap deadlines_;
  std::optional<WishLog> wishes_;
  RelaySink* relays_;
  std::map<std::uint64_t, Departed> departed_;  // by packed id
  std::unordered_map<Tuple, std::uint64_t> departed_tuples_;
  std::unordered_map<std::string, std::uint64_t, TextHash, std::equal_to<>> departed_ufrags_;
  TimePoint relay_due_ = never;
  std::uint8_t hops_ = 0;                      // of the datagram in hand
  std::map<std::uint32_t, Arrival> arriving_;  // transport slots that are wanted and wait for their records
  WorkNote own_note_{};                        // where nobody else gave one
  WorkNote& note_;
  std::set<TransportId> quarantined_;
  std::uint64_t stale_counted_ = 0;
  std::uint64_t stale_policy_counted_ = 0;
  // Rows whose transport does not exist (yet).
  std::set<std::uint32_t> waiting_publications_;
  std::set<std::uint32_t> waiting_subscriptions_;
};

}  // namespace sluice
