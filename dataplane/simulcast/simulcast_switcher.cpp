#include "dataplane/simulcast/simulcast_switcher.hpp"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::uint8_t none = 0;

/// Options are kept as value + 1 with zero for "none", so that all-zero states are valid.
std::uint8_t pack(std::optional<std::uint8_t> value) noexcept {
  return value ? static_cast<std::uint8_t>(std::min<unsigned>(*value, 254U) + 1U) : none;
}
std::optional<std::uint8_t> unpack(std::uint8_t packed) noexcept {
  if (packed == none) return std::nullopt;
  return static_cast<std::uint8_t>(packed - 1);
}
/// As a number in which "none" is above everything.
unsigned bound(std::uint8_t packed) noexcept {
  return packed == none ? 255U : packed - 1U;
}

}  // namespace

void SimulcastSwitcher::set_ceiling(std::optional<std::uint8_t> rank) noexcept {
  state_->ceiling = pack(rank);
}
void SimulcastSwitcher::set_allocation(std::optional<std::uint8_t> rank) noexcept {
  state_->allocation = pack(rank);
}
void SimulcastSwitcher::set_temporal_ceiling(std::optional<std::uint8_t> temporal_id) noexcept {
  state_->temporal_ceiling = pack(temporal_id);
}

void SimulcastSwitcher::restart() noexcept {
  state_->current = none;
  state_->highest = {};
  state_->temporal_effective = none;
}

void SimulcastSwitcher::forget_layer(std::uint8_t layer) noexcept {
  if (layer >= simulcast_layers_max) return;
  state_->highest[layer] = {};
  if (current() == layer) state_->current = none;
}

std::optional<std::uint8_t> SimulcastSwitcher::current() const noexcept {
  return unpack(state_->current);
}

/// The highest rank that may be forwarded now. Beyond the ceiling only after the lowest alive layer was stable: at the start
/// of a publication the layers below it come a moment later.
unsigned SimulcastSwitcher::highest_allowed(TimePoint now, const LayerObserver& layers) const noexcept {
  const unsigned limit = std::min(bound(state_->ceiling), bound(state_->allocation));
  for (std::uint8_t rank = 0; rank < layers.layers(); ++rank) {
    const std::uint8_t layer = layers.layer_at(rank);
    if (!layers.alive(layer)) continue;
    const bool lifts = rank > limit && rank <= bound(state_->allocation) && layers.stable(now, layer);
    return lifts ? rank : limit;
  }
  return limit;
}

bool SimulcastSwitcher::allowed(TimePoint now, const LayerObserver& layers, std::uint8_t layer) const noexcept {
  return layer < layers.layers() && layers.rank_of(layer) <= highest_allowed(now, layers);
}

std::optional<std::uint8_t> SimulcastSwitcher::target(TimePoint now, const LayerObserver& layers) const noexcept {
  const std::optional<std::uint8_t> present = current();
  const bool working = present && layers.alive(*present);
  const unsigned highest = highest_allowed(now, layers);
  std::optional<std::uint8_t> unstable;
  for (std::uint8_t rank = layers.layers(); rank-- > 0;) {
    const std::uint8_t layer = layers.layer_at(rank);
    if (rank > highest || !layers.alive(layer)) continue;
    if (!working || layer == *present || layers.stable(now, layer)) return layer;
    if (!unstable) unstable = layer;
  }
  return unstable;
}

std::optional<std::uint8_t> SimulcastSwitcher::key_frame_wanted(TimePoint now, const LayerObserver& layers) const noexcept {
  const std::optional<std::uint8_t> wanted = target(now, layers);
  if (!wanted || wanted == current()) return std::nullopt;
  return wanted;
}

Verdict SimulcastSwitcher::on_packet(TimePoint now, const LayerObserver& layers, const SwitcherPacket& packet) noexcept {
  if (packet.layer >= simulcast_layers_max) return Verdict::drop;
  const std::optional<std::uint8_t> present = current();
  if (present == packet.layer) return judge_present(packet);
  if (packet.sequence <= state_->highest[packet.layer]) return Verdict::late;
  if (!packet.frame_start || !packet.key_frame || !allowed(now, layers, packet.layer)) return Verdict::drop;
  // Anything allowed is better than a picture that stands still.
  if (!present || !layers.alive(*present) || target(now, layers) == packet.layer) return begin(packet);
  return Verdict::drop;
}

Verdict SimulcastSwitcher::begin(const SwitcherPacket& packet) noexcept {
  SwitcherState& s = *state_;
  s.current = pack(packet.layer);
  s.first = packet.sequence;
  s.highest[packet.layer] = packet.sequence;
  s.frame_timestamp = packet.rtp_timestamp;
  s.temporal_effective = s.temporal_ceiling;
  return Verdict::switched;
}

Verdict SimulcastSwitcher::judge_present(const SwitcherPacket& packet) noexcept {
  SwitcherState& s = *state_;
  if (packet.sequence < s.first) return Verdict::late;
  // What its frame's fate was, the rewriters remember.
  ExtendedSequenceNumber& highest = s.highest[packet.layer];
  if (packet.sequence < highest) return Verdict::forward;
  if (packet.sequence > highest) {
    highest = packet.sequence;
    if (static_cast<std::int32_t>(packet.rtp_timestamp - s.frame_timestamp) > 0) {
      s.frame_timestamp = packet.rtp_timestamp;
      update_temporal(packet);
    }
  }
  return packet.temporal_id > bound(s.temporal_effective) ? Verdict::skip : Verdict::forward;
}

void SimulcastSwitcher::update_temporal(const SwitcherPacket& packet) noexcept {
  SwitcherState& s = *state_;
  const unsigned wanted = bound(s.temporal_ceiling);
  const unsigned effective = bound(s.temporal_effective);
  if (wanted < effective || (packet.frame_start && packet.key_frame)) {
    s.temporal_effective = s.temporal_ceiling;
  } else if (wanted > effective && packet.layer_sync && packet.temporal_id > effective && packet.temporal_id <= wanted) {
    s.temporal_effective = pack(packet.temporal_id);
  }
}

}  // namespace sluice
