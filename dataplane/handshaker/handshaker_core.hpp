#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "dataplane/dtls/dtls_association.hpp"
#include "dataplane/dtls/dtls_context.hpp"
#include "dataplane/handshaker/handshake_writer.hpp"
#include "dataplane/handshaker/handshaker_counters.hpp"
#include "dataplane/handshaker/handshaker_sink.hpp"
#include "dataplane/handshaker/start_budget.hpp"
#include "schemas/handshake_generated.h"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct HandshakerConfig {
  /// Handshakes that may begin: one core does about 3,300 a second, and workers come first. A storm above it is spread by
  /// the clients' own retransmission of the ClientHello.
  std::uint32_t starts_per_second = 2000;
  std::uint32_t starts_burst = 1000;
  /// Handshakes under way at once (about 100 KB each at worst).
  std::size_t in_progress_max = 4096;
  /// Datagrams of one association: a handshake has a dozen.
  std::uint32_t datagrams_per_second = 200;
};

/// All DTLS associations of all workers of this machine. Takes the workers' messages (schemas/handshake.fbs, verified by the
/// receiver) and gives answers to a sink; no descriptors, no clock.
///
/// An association lives from HandshakeOpen to HandshakeClose, or until the same slot is opened with a newer incarnation. Its
/// DTLS state is only made when the first datagram comes (server) or at once (client). One that is done is kept: it answers
/// repeated final flights and sees close_notify. One that failed or was closed by the peer stays silent until it is opened
/// again. Opening again with the same parameters changes nothing, but a worker that lost HandshakeDone gets it once more.
/// HandshakeMove gives it to another worker, which opens it with the same parameters, before or after; it cannot push aside
/// an association that the other worker has.
/// After a restart of this process the associations that were done are unknown: their workers have the keys, and datagrams
/// for them are dropped.
class HandshakerCore {
 public:
  /// `context` and `sink` outlive the core.
  HandshakerCore(const DtlsContext& context, HandshakerSink& sink, std::uint64_t incarnation,
                 const HandshakerConfig& config = {});
  HandshakerCore(const HandshakerCore&) = delete;
  HandshakerCore& operator=(const HandshakerCore&) = delete;
  ~HandshakerCore();

  /// Tells the worker that this handshaker is new (HandshakerStarted), so that it opens what is not done.
  void add_worker(TimePoint now, WorkerId worker);
  /// The worker and its segment are gone for good (a smaller number of workers): forgets its associations.
  void remove_worker(WorkerId worker);
  /// One verified message of `worker`. Messages that only the handshaker sends are counted as malformed.
  void handle_message(TimePoint now, WorkerId worker, const schema::Handshake& message);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept;

  [[nodiscard]] const HandshakerCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::size_t association_count() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t in_progress() const noexcept { return in_progress_; }

 private:
  struct Entry;
  using Key = std::uint64_t;  // worker, then slot: a slot has one association
  [[nodiscard]] static Key key_of(WorkerId worker, TransportId transport) noexcept;

  void open(TimePoint now, WorkerId worker, const schema::HandshakeOpen& message);
  void datagram(TimePoint now, WorkerId worker, const schema::HandshakeDatagram& message);
  void close(TimePoint now, WorkerId worker, const schema::HandshakeClose& message);
  void move(TimePoint now, WorkerId worker, const schema::HandshakeMove& message);
  [[nodiscard]] Entry* find(WorkerId worker, TransportId transport);
  void erase(Key key);

  [[nodiscard]] bool begin(TimePoint now, Entry& entry);
  void begin_client(TimePoint now, Entry& entry);
  void take_outputs(TimePoint now, Entry& entry);
  void offer_notice(TimePoint now, Entry& entry);
  void offer_started(TimePoint now, WorkerId worker);
  void set_in_progress(Entry& entry, bool value) noexcept;
  void schedule(Entry& entry);

  const DtlsContext& context_;
  HandshakerSink& sink_;
  std::uint64_t incarnation_;
  HandshakerConfig config_;
  StartBudget budget_;
  HandshakeWriter writer_;
  HandshakerCounters counters_;
  std::unordered_map<Key, std::unique_ptr<Entry>> entries_;
  std::set<std::pair<TimePoint, Key>> deadlines_;
  std::set<WorkerId> workers_;
  std::map<WorkerId, TimePoint> unannounced_;  // HandshakerStarted found no room; when to offer it again
  std::size_t in_progress_ = 0;
};

}  // namespace sluice
