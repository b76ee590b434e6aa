#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/router/publication.hpp"
#include "dataplane/router/subscription.hpp"
#include "dataplane/worker/desired_state.hpp"
#include "dataplane/worker/event_writer.hpp"
#include "dataplane/worker/peer.hpp"
#include "shm/live/live_tables.hpp"

namespace sluice {

/// Keeps the live tables true and tells control what changed in them. Layers are told by their rank in quality, lowest
/// first, whatever order the rids were given in (LayerObserver): index i is what control calls its i-th layer, and what a
/// subscription's max_layer limits. Rows are written every half second and when
/// something changes; rates are means over the time between two writings.
class LiveWriter {
 public:
  static constexpr Duration interval = std::chrono::milliseconds(500);

  LiveWriter(LiveTables& tables, EventWriter& events, const TableSizes& sizes);
  /// Empties every row (they were a predecessor's).
  void clear() noexcept;
  /// Empties the rows of entities that are not wanted any more.
  void forget_unwanted(const DesiredState& wanted) noexcept;
  /// All rows of one transport.
  void write(TimePoint now, const Peer& peer, const std::vector<Publication*>& publications,
             const std::vector<Subscription*>& subscriptions);
  void write_publication(TimePoint now, const Publication& publication);
  void write_subscription(TimePoint now, Subscription& subscription);
  /// Only what changed in kind: which layers deliver, which layer is forwarded.
  void tell_changes(TimePoint now, const std::vector<Publication*>& publications,
                    const std::vector<Subscription*>& subscriptions);
  /// The row of a transport that there is no more, because it must not be.
  void write_quarantined(TransportId id);
  /// Where the loudness of this slot's publication is shown.
  [[nodiscard]] std::atomic<std::uint64_t>* level_word(std::uint32_t publication_slot) noexcept {
    return publication_slot < AudioLevels::capacity ? &tables_.audio_levels.words[publication_slot] : nullptr;
  }
  void erase(TransportId id) noexcept { tables_.transports.erase(id); }
  void erase(PublicationId id) noexcept;
  void erase(SubscriptionId id) noexcept;

 private:
  struct Meter {
    std::uint64_t bytes = 0;
    TimePoint since;
    std::uint32_t bits_per_second = 0;
    /// The rate since the last call that lies at least `interval` / 2 back.
    std::uint32_t measure(TimePoint now, std::uint64_t total) noexcept;
  };
  LiveTables& tables_;
  EventWriter& events_;
  std::vector<std::uint8_t> told_layers_;   // publications: alive mask, by rank
  std::vector<std::uint8_t> told_current_;  // subscriptions: rank, 255 none
  std::vector<Meter> meters_;               // subscriptions
};

}  // namespace sluice
