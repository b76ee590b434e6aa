#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "dataplane/simulcast/layer_observer.hpp"
#include "shm/types/sequence_number.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// The layer choice of one subscription; survives. All-zero: nothing forwarded yet, no ceilings.
/// Layers are stored plus one, so that zero is "none"; ranks (see LayerObserver) as "ranks taken off the top".
struct SwitcherState {
  ExtendedSequenceNumber first;  ///< of the present layer: where its key frame began
  /// Of each layer, judged while it was present; 0: it never was.
  std::array<ExtendedSequenceNumber, simulcast_layers_max> highest{};
  std::uint32_t frame_timestamp = 0;    ///< of the newest frame of the present layer
  std::uint8_t current = 0;             ///< layer + 1
  std::uint8_t ceiling = 0;             ///< highest rank allowed by control + 1; 0: no ceiling
  std::uint8_t allocation = 0;          ///< highest rank that bandwidth affords + 1; 0: not limited
  std::uint8_t temporal_ceiling = 0;    ///< highest temporal id wanted + 1; 0: all
  std::uint8_t temporal_effective = 0;  ///< as applied to the newest frame + 1; 0: all
  std::uint8_t reserved[7] = {};
};
static_assert(std::is_standard_layout_v<SwitcherState> && std::is_trivially_copyable_v<SwitcherState>);

/// A packet as the switcher needs it, beside LayerPacket.
struct SwitcherPacket {
  std::uint8_t layer = 0;
  ExtendedSequenceNumber sequence;  ///< of that layer's SSRC
  std::uint32_t rtp_timestamp = 0;
  bool frame_start = false;
  bool key_frame = false;  ///< known only where frame_start is
  std::uint8_t temporal_id = 0;
  bool layer_sync = false;  ///< VP8 Y bit: refers to temporal layer 0 only
};

/// What to do with a packet. In every case but drop and skip: Vp8Rewriter::map (VP8), then StreamRewriter::forward. Where
/// map knows no fields (the picture was left out), StreamRewriter::skip instead, which may have an empty packet to send.
enum class Verdict : std::uint8_t {
  drop,      ///< not for this subscriber
  forward,   ///< of the present layer
  switched,  ///< the first packet of the key frame from which this layer fills the subscription: begin_source() of both
             ///< rewriters, forward it, and then judge again what the cache holds of this layer behind it: those overtook it
             ///< and were dropped
  late,      ///< from before the switch to the present layer: may fill a hole
  skip       ///< of the present layer, left out with its whole frame: Vp8Rewriter::skip and StreamRewriter::skip
};

/// Chooses the simulcast layer of one subscription. The target is the highest layer that is alive within all ceilings, or
/// the lowest alive one when control's ceiling lies below all that is alive; a change happens only at the first packet of a
/// key frame of the target, and until then the present layer goes on. When the present layer dies the target falls; a layer
/// that comes (back) is chosen once it was stable for a while.
///
/// `current` is a layer index (of the rid), ceilings are ranks by quality. With no layer yet, the key frame of any allowed
/// layer is taken, because a small picture now is better than none.
class SimulcastSwitcher {
 public:
  /// Goes on from a filled state.
  explicit SimulcastSwitcher(SwitcherState& state) noexcept : state_(&state) {}

  /// Highest rank wanted by control (the subscriber's wish); nothing: no ceiling. Who wants little wants no black picture
  /// instead: where no layer within the ceiling is alive, the lowest that is stable is forwarded. What must not be forwarded
  /// at all is made inactive, not capped.
  void set_ceiling(std::optional<std::uint8_t> rank) noexcept;
  /// Highest rank that the bandwidth allocation affords; nothing: not limited. Never exceeded.
  void set_allocation(std::optional<std::uint8_t> rank) noexcept;
  /// Highest VP8 temporal id to forward; nothing: all. Goes down with the next frame, up at the next layer sync of the
  /// higher layer (RFC 7741 Y bit) or key frame.
  void set_temporal_ceiling(std::optional<std::uint8_t> temporal_id) noexcept;
  /// The subscription was paused or another publication fills it: the next key frame begins anew.
  void restart() noexcept;
  /// A layer goes on under another SSRC, whose numbers begin anew. If it is the present one, its next key frame begins it.
  void forget_layer(std::uint8_t layer) noexcept;

  /// Judges one packet of the publication.
  [[nodiscard]] Verdict on_packet(TimePoint now, const LayerObserver& layers, const SwitcherPacket& packet) noexcept;

  /// The layer that should fill the subscription; nothing when no allowed layer is alive.
  [[nodiscard]] std::optional<std::uint8_t> target(TimePoint now, const LayerObserver& layers) const noexcept;
  /// The layer that fills it.
  [[nodiscard]] std::optional<std::uint8_t> current() const noexcept;
  /// The layer whose publisher should be asked for a key frame, while the target is not the present layer.
  [[nodiscard]] std::optional<std::uint8_t> key_frame_wanted(TimePoint now, const LayerObserver& layers) const noexcept;

  [[nodiscard]] const SwitcherState& state() const noexcept { return *state_; }

 private:
  [[nodiscard]] unsigned highest_allowed(TimePoint now, const LayerObserver& layers) const noexcept;
  [[nodiscard]] bool allowed(TimePoint now, const LayerObserver& layers, std::uint8_t layer) const noexcept;
  Verdict begin(const SwitcherPacket& packet) noexcept;
  Verdict judge_present(const SwitcherPacket& packet) noexcept;
  void update_temporal(const SwitcherPacket& packet) noexcept;

  SwitcherState* state_;
};

}  // namespace sluice
