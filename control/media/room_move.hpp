#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "control/media/media_model.hpp"
#include "control/workers/specs.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/time.hpp"

namespace sluice::media {

/// What one peer's rows are called before and after its room moves.
struct MovedPeer {
  TransportId before;
  TransportId after;
  std::vector<std::pair<PublicationId, PublicationId>> publications;
  std::vector<std::pair<SubscriptionId, SubscriptionId>> subscriptions;
  /// Who relayed to the worker that it leaves, if another did.
  std::optional<workers::TransportPlace> home;
  friend bool operator==(const MovedPeer&, const MovedPeer&) = default;
};

/// A room on its way from one worker to another (docs/adr/0009). Durable at every step; a step that was begun may be done
/// again.
struct RoomMove {
  enum class Stage : std::uint8_t {
    preparing,  ///< the new worker is being told of the rows; media still flows through the old one
    departing,  ///< the old one has been told to hand over
    closing,    ///< all are there; what was needed on the way only is taken away after a moment
  };
  WorkerId from;
  WorkerId to;
  Stage stage = Stage::preparing;
  std::vector<MovedPeer> peers;
  TimePoint since{};  ///< of the stage, as far as this process knows; not kept
  friend bool operator==(const RoomMove& a, const RoomMove& b) {
    return a.from == b.from && a.to == b.to && a.stage == b.stage && a.peers == b.peers;
  }
};

[[nodiscard]] std::vector<std::byte> encode(const RoomMove& move);
[[nodiscard]] std::optional<RoomMove> decode_move(Bytes bytes);

/// Gives the peer's rows their new names; false when it is not (any more) where the move found it.
bool rename(PeerMedia& peer, const RoomMove& move);

}  // namespace sluice::media
