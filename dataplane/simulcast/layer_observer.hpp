#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "shm/types/time.hpp"
#include "shm/types/units.hpp"

namespace sluice {

/// Simulcast layers of one publication at most (notes of hardening: SDP limits).
inline constexpr std::size_t simulcast_layers_max = 3;

/// What one packet tells about its layer.
struct LayerPacket {
  std::uint8_t layer = 0;  ///< index of the rid, below simulcast_layers_max
  std::uint32_t rtp_timestamp = 0;
  std::size_t size = 0;  ///< bytes, with header
  bool frame_start = false;
  bool key_frame = false;   ///< known only where frame_start is
  std::uint16_t width = 0;  ///< of a key frame; 0: unknown
  std::uint16_t height = 0;
};

/// One layer as seen, for live tables and for the choice of layers.
struct LayerInfo {
  bool seen = false;   ///< ever delivered a packet
  bool alive = false;  ///< delivers now
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  double frames_per_second = 0;
  Bitrate bitrate;
  TimePoint alive_since;
  TimePoint last_packet;
  Duration frame_interval{};  ///< smoothed; 0: unknown
};

/// Watches the layers of one publication: which are alive, their size, frame rate and bitrate, and their order by quality.
/// Rates are losable: they are right again a second after a restart.
class LayerObserver {
 public:
  /// A layer is dead after this time without a packet...
  static constexpr Duration silence_max = std::chrono::milliseconds(1500);
  /// ...or after this many of its frame intervals, if that is longer (screen sharing at one frame per second)...
  static constexpr int silence_frames = 3;
  /// ...or, since browsers switch layers off without a word, already after this time (and the intervals) when another layer
  /// went on meanwhile for `sibling_frames` frames: then it is not the network.
  static constexpr Duration silence_beside_others = std::chrono::milliseconds(500);
  static constexpr std::uint32_t sibling_frames = 6;
  /// How long a layer must have been alive before it is chosen over one that works.
  static constexpr Duration stable_after = std::chrono::milliseconds(500);

  /// `layers`: how many rids were negotiated, 1..simulcast_layers_max (clamped).
  explicit LayerObserver(std::uint8_t layers) noexcept;

  void on_packet(TimePoint now, const LayerPacket& packet) noexcept;
  /// What a predecessor knew of a layer: its size, and when its last packet came. A layer that delivered until lately counts
  /// as alive and stable, so that a change of process changes no choice.
  void restore(TimePoint now, std::uint8_t layer, std::uint16_t width, std::uint16_t height, TimePoint last_packet) noexcept;
  /// Finds layers that died. True when any layer's being alive or the order changed since the last call of take_changed().
  void handle_timeout(TimePoint now) noexcept;
  [[nodiscard]] TimePoint next_deadline() const noexcept;
  /// True once after a layer came alive, died, or the order changed.
  [[nodiscard]] bool take_changed() noexcept;

  [[nodiscard]] std::uint8_t layers() const noexcept { return count_; }
  [[nodiscard]] const LayerInfo& layer(std::uint8_t index) const noexcept { return info_[index % simulcast_layers_max]; }
  /// Bit i: layer i is alive.
  [[nodiscard]] std::uint8_t alive_mask() const noexcept;
  /// Bit i: the layer of rank i is alive (as in the live tables and PublicationChanged).
  [[nodiscard]] std::uint8_t alive_ranks() const noexcept;
  [[nodiscard]] bool alive(std::uint8_t index) const noexcept { return index < count_ && info_[index].alive; }
  /// Alive for long enough to be switched to.
  [[nodiscard]] bool stable(TimePoint now, std::uint8_t index) const noexcept;

  /// Layers by quality, lowest first: by resolution seen, which wins over the order of the rids. Those never seen keep their
  /// place in the order of the rids, or in its reverse once what was seen runs the other way (a client that offers f;h;q).
  [[nodiscard]] std::uint8_t layer_at(std::uint8_t rank) const noexcept { return order_[rank % simulcast_layers_max]; }
  [[nodiscard]] std::uint8_t rank_of(std::uint8_t index) const noexcept;

 private:
  struct Meter {
    TimePoint window_begin;
    std::int64_t bytes = 0;
    std::uint32_t frames = 0;
    std::uint32_t last_timestamp = 0;
    TimePoint last_frame;
    std::uint32_t frames_of_siblings = 0;  // since this layer's last packet
    bool measuring = false;
  };
  [[nodiscard]] TimePoint dead_at(std::uint8_t index) const noexcept;
  void sort() noexcept;
  void measure(TimePoint now, std::uint8_t index) noexcept;

  std::array<LayerInfo, simulcast_layers_max> info_{};
  std::array<Meter, simulcast_layers_max> meters_{};
  std::array<std::uint8_t, simulcast_layers_max> order_{};
  std::uint8_t count_;
  bool changed_ = false;
};

}  // namespace sluice
