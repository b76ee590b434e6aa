#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/worker/desired_state.hpp"
#include "dataplane/worker/generation_stager.hpp"
#include "dataplane/worker/relay_message.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/ids.hpp"

namespace sluice {

/// What a worker must know to go on in a dead one's place, beside the recovery records: the committed desired state, so that
/// adoption does not wait for control; SSRCs whose indices are spent under keys that still hold; whom crashes were blamed
/// on. Keys of the state log: t|p|s/SLOT (the wish as a command), d/TRANSPORT (a departure, likewise), g (generation),
/// u/SLOT/SSRC, b/TRANSPORT, y/TRANSPORT (paths of a departed one), x/TRANSPORT/N (what is to be told of it).
class WishLog {
 public:
  /// SSRCs of a transport slot that must never be sealed under its present keys again.
  using SpentSsrc = std::pair<std::uint32_t, Ssrc>;

  explicit WishLog(StateLog& log) noexcept : log_(log) {}

  /// A transport that went to another worker: how to find what its peer sends, and what is still to be told of it.
  struct Handover {
    TransportId transport;  ///< as it was here
    RelayPaths paths;
    std::vector<RelayMessage> messages;  ///< empty: settled. They carry keys
  };

  /// One generation, as one. Must be called before it takes effect: then no moment leaves a subscription that numbers anew
  /// under keys that it was sealed with. False when there is no room (the region is sized so that there is).
  bool commit(std::uint64_t generation, const DesiredState& wanted, const GenerationChanges& changes,
              const std::vector<SpentSsrc>& spent, const std::vector<Handover>& leaving = {});
  struct Loaded {
    DesiredState wanted;
    std::uint64_t generation = 0;
    std::vector<SpentSsrc> spent;
    std::vector<Handover> left;
    std::uint32_t refused = 0;  ///< rows that are no wishes: damaged, or of another build
  };
  [[nodiscard]] Loaded load(const TableSizes& sizes) const;
  [[nodiscard]] bool empty() const { return !log_.get("g").has_value(); }

  bool note_spent(const std::vector<SpentSsrc>& spent);
  /// The slot has other keys now, or nobody.
  void forget_spent(std::uint32_t transport_slot);

  /// The other worker has it: its messages are forgotten.
  void settle(TransportId left);
  void note_paths(TransportId left, const RelayPaths& paths);

  /// Crashes blamed on a transport.
  [[nodiscard]] std::uint32_t blames(TransportId id) const;
  /// One more; returns how many there are now.
  std::uint32_t blame(TransportId id);
  void forgive(TransportId id);
  void for_each_blamed(const std::function<void(TransportId, std::uint32_t)>& visit) const;

 private:
  StateLog& log_;
};

}  // namespace sluice
