#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "control/workers/specs.hpp"
#include "control/workers/worker_info.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/policy_mark.hpp"

namespace sluice::workers {

/// In order of life, as in schemas/events.fbs.
enum class TransportPhase : std::uint8_t {
  waiting,
  ice_connected,
  dtls_connecting,
  connected,
  disconnected,
  failed,
  closed
};
enum class TransportFailure : std::uint8_t {
  none,
  consent_expired,
  dtls_failed,
  fingerprint_mismatch,
  dtls_closed,
  handshake_timeout,
  quarantined,  ///< two crashes of the worker were its doing: this session gets no more media
};

/// Hears what workers report of entities that exist in the desired state: anything else a worker claims is dropped and
/// counted before it gets here. Calls come from inside MediaPlane::poll only.
class MediaPlaneListener {
 public:
  virtual ~MediaPlaneListener() = default;
  virtual void on_transport_changed(WorkerId worker, TransportId id, TransportPhase phase, TransportFailure failure) = 0;
  /// Bit i of `active_layers`: layer i delivers packets.
  virtual void on_publication_changed(WorkerId worker, PublicationId id, std::uint8_t active_layers) = 0;
  /// `layer`: index that is forwarded now; nothing when none is.
  virtual void on_subscription_changed(WorkerId worker, SubscriptionId id, std::optional<std::uint8_t> layer) = 0;
};

/// The workers as control/media sees them: rooms are placed, entities are upserted into the desired state of one worker and
/// reach it with the next poll. An id is chosen by add_*; it names one thing for ever (slots are reused under a new
/// incarnation). Every mutation is durable when the call returns, so that a restarted control process goes on from it.
class MediaPlane {
 public:
  virtual ~MediaPlane() = default;

  /// The worker of a room: placed on the least loaded one at the first call and sticky until release_room. Nothing when
  /// there is no worker at all.
  virtual std::optional<WorkerId> place_room(std::string_view room) = 0;
  virtual void release_room(std::string_view room) = 0;
  /// Nothing for a room that was not placed.
  [[nodiscard]] virtual std::optional<WorkerId> worker_of(std::string_view room) const = 0;
  /// From now on the room's transports belong there; those that it has are the caller's to move. False when there is no such
  /// room or worker.
  virtual bool move_room(std::string_view room, WorkerId to) = 0;
  /// nullptr for a worker that does not exist.
  [[nodiscard]] virtual const WorkerInfo* info(WorkerId worker) const = 0;

  // add_*: nothing when the worker's table is full or the worker does not exist. update_* and remove_* return false for an
  // id that is not (or no longer) in the desired state. Removing a transport removes what lies on it; removing a
  // publication empties the subscriptions that it filled.
  virtual std::optional<TransportId> add_transport(WorkerId worker, TransportSpec spec) = 0;
  virtual bool update_transport(WorkerId worker, TransportId id, TransportSpec spec) = 0;
  virtual bool remove_transport(WorkerId worker, TransportId id) = 0;
  virtual std::optional<PublicationId> add_publication(WorkerId worker, PublicationSpec spec) = 0;
  virtual bool update_publication(WorkerId worker, PublicationId id, PublicationSpec spec) = 0;
  virtual bool remove_publication(WorkerId worker, PublicationId id) = 0;
  virtual std::optional<SubscriptionId> add_subscription(WorkerId worker, SubscriptionSpec spec) = 0;
  virtual bool update_subscription(WorkerId worker, SubscriptionId id, SubscriptionSpec spec) = 0;
  virtual bool remove_subscription(WorkerId worker, SubscriptionId id) = 0;

  /// nullptr for an id that is not in the desired state; valid until the next mutation.
  [[nodiscard]] virtual const TransportSpec* transport(WorkerId worker, TransportId id) const = 0;
  [[nodiscard]] virtual const PublicationSpec* publication(WorkerId worker, PublicationId id) const = 0;
  [[nodiscard]] virtual const SubscriptionSpec* subscription(WorkerId worker, SubscriptionId id) const = 0;

  /// What the worker's live table says of the policy behind a row; nothing while the row is not there.
  [[nodiscard]] virtual std::optional<PolicyMark> policy_of(WorkerId worker, PublicationId id) const = 0;
  [[nodiscard]] virtual std::optional<PolicyMark> policy_of(WorkerId worker, SubscriptionId id) const = 0;

  /// All rows of a worker's desired state, in order of slots; empty for an unknown worker.
  struct Rows {
    std::vector<TransportId> transports;
    std::vector<PublicationId> publications;
    std::vector<SubscriptionId> subscriptions;
  };
  [[nodiscard]] virtual Rows rows(WorkerId worker) const = 0;
  [[nodiscard]] virtual std::vector<WorkerId> ids() const = 0;

  // --- moving: see docs/adr/0009
  /// Whether the worker has committed all that it is wanted to do.
  [[nodiscard]] virtual bool settled(WorkerId worker) const = 0;
  /// Where a transport stands, as the worker's live table says; nothing while it is not built.
  [[nodiscard]] virtual std::optional<TransportPhase> phase(WorkerId worker, TransportId id) const = 0;
  /// The transport that is, or was, `id` on `worker` goes on elsewhere: removes it and has its records handed over; again
  /// with another place redirects what is relayed.
  virtual void depart(WorkerId worker, TransportId id, DepartureSpec spec) = 0;
  virtual bool remove_departure(WorkerId worker, TransportId id) = 0;
  [[nodiscard]] virtual std::vector<TransportId> departures(WorkerId worker) const = 0;

  /// Asks the publisher of a publication for a key frame; best effort.
  virtual void request_key_frame(WorkerId worker, PublicationId id) = 0;

  /// Borrowed; nullptr to stop.
  virtual void set_listener(MediaPlaneListener* listener) = 0;
};

}  // namespace sluice::workers
