#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "control/workers/command_codec.hpp"
#include "control/workers/desired_state.hpp"
#include "control/workers/media_plane.hpp"
#include "control/workers/worker_info.hpp"
#include "shm/channel/message_receiver.hpp"
#include "shm/channel/message_sender.hpp"
#include "shm/channel/shared_segment.hpp"
#include "shm/types/time.hpp"

namespace sluice::workers {

/// What joins control and one worker process: its shared segment and the two bells.
struct WorkerChannel {
  SharedSegment segment;
  Doorbell command_bell;  // we ring, the worker hears
  Doorbell event_bell;    // the worker rings, we hear
};

/// Tells one worker its desired state and hears its events.
///
/// Changes go out as generations (Begin, removals, upserts, Commit), each message a command of its own, so a generation of
/// any size passes through a small ring. When the ring is full the rest waits here and goes out at a later turn; further
/// changes gather in the desired state meanwhile and make the next generation. A snapshot is sent when the link is new, when
/// the worker is (its incarnation moved), when it asks for one, and when it does not commit what it took. It begins a
/// generation, which makes the worker forget one that was left unfinished.
///
/// Events are hints: they are believed only for ids of the desired state, told onwards only when they change something, and
/// when the worker counts lost ones the live tables are read instead.
class WorkerLink {
 public:
  /// `epoch` must be higher than that of any earlier link to the same segment: it leads the generation numbers.
  WorkerLink(WorkerId id, WorkerChannel channel, DesiredState& state, std::uint32_t epoch);

  struct TransportEvent {
    TransportId id;
    TransportPhase phase = TransportPhase::waiting;
    TransportFailure failure = TransportFailure::none;
  };
  /// Takes in events (a bounded batch), then sends what is due. `listener` may be null; it may change the desired state
  /// from inside.
  void poll(TimePoint now, MediaPlaneListener* listener);
  /// Sends what is due, as poll() does.
  void push(TimePoint now) { send(now); }
  /// When poll should be called again though no bell rang: something waits for room in the ring, or for an answer.
  [[nodiscard]] TimePoint next_deadline() const { return deadline_; }

  /// Whether the worker has committed everything that it is wanted to do.
  [[nodiscard]] bool settled() const;

  /// Queues a request; one for each publication at most.
  void request_key_frame(PublicationId id) { key_frames_.insert(id); }

  /// To be polled for reading; after it woke the loop, poll() does the rest.
  [[nodiscard]] int event_fd() const { return events_.doorbell_fd(); }
  /// Before the loop waits for event_fd(). False: there is more, poll again.
  [[nodiscard]] bool prepare_to_sleep() { return events_.prepare_to_sleep(); }

  [[nodiscard]] const SharedLayoutOfWorker& shared() const { return *channel_.segment; }
  /// Tells the worker's watchers that control is alive.
  [[nodiscard]] SharedLayoutOfWorker& shared() { return *channel_.segment; }
  [[nodiscard]] std::size_t outbox_size() const { return outbox_.size(); }

  struct Counts {
    std::uint64_t snapshots = 0;
    std::uint64_t generations = 0;
    std::uint64_t ring_full = 0;       // turns that ended with commands left over
    std::uint64_t refused = 0;         // generations that the worker refused
    std::uint64_t foreign_events = 0;  // about ids that are not of the desired state, or out of range
    std::uint64_t resyncs = 0;         // live tables read because events were lost
    std::uint64_t too_large = 0;       // commands over the channel's limit: dropped, a fault of ours
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] const ReceiveCounts& receive_counts() const { return events_.counts(); }

 private:
  void take_events(TimePoint now, MediaPlaneListener* listener);
  void take_event(TimePoint now, const schema::Event& event, MediaPlaneListener* listener);
  void tell(TransportId id, schema::TransportState state, schema::FailureReason reason, MediaPlaneListener* listener);
  void tell(PublicationId id, std::uint8_t active_layers, MediaPlaneListener* listener);
  void tell(SubscriptionId id, std::uint8_t layer, MediaPlaneListener* listener);
  void resync(MediaPlaneListener* listener);
  void watch_worker(TimePoint now);
  void want_snapshot(TimePoint when);
  void send(TimePoint now);
  [[nodiscard]] bool drain_outbox();
  void queue_snapshot();
  void queue_changes();

  template <typename IdType, typename News>
  struct Told {
    IdType id;
    News news;
    friend bool operator==(const Told&, const Told&) = default;
  };
  /// True when it is news; remembers it.
  template <typename IdType, typename News>
  static bool remember(std::vector<Told<IdType, News>>& told, IdType id, News news);

  WorkerId id_;
  WorkerChannel channel_;
  CommandSender commands_;
  EventReceiver events_;
  DesiredState& state_;

  std::deque<EncodedCommand> outbox_;  // of the generation under way; bounded by the size of the desired state
  std::set<PublicationId> key_frames_;
  Generation generation_;
  bool snapshot_wanted_ = true;
  TimePoint snapshot_not_before_ = TimePoint::min();
  Duration refusal_backoff_{};
  TimePoint sent_at_{};
  std::uint64_t worker_incarnation_ = 0;
  std::uint64_t events_dropped_ = 0;
  bool resync_wanted_ = true;
  TimePoint deadline_ = TimePoint::min();
  Counts counts_;

  std::vector<Told<TransportId, std::pair<schema::TransportState, schema::FailureReason>>> told_transports_;  // by slot
  std::vector<Told<PublicationId, std::uint8_t>> told_publications_;
  std::vector<Told<SubscriptionId, std::uint8_t>> told_subscriptions_;
};

}  // namespace sluice::workers
