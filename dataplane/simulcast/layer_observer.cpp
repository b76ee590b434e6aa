#include "dataplane/simulcast/layer_observer.hpp"

#include <algorithm>

namespace sluice {
namespace {

constexpr Duration measuring_window = std::chrono::seconds(1);

}  // namespace

LayerObserver::LayerObserver(std::uint8_t layers) noexcept
    : count_(std::clamp<std::uint8_t>(layers, 1, static_cast<std::uint8_t>(simulcast_layers_max))) {
  for (std::uint8_t i = 0; i < simulcast_layers_max; ++i) order_[i] = i;
}

void LayerObserver::on_packet(TimePoint now, const LayerPacket& packet) noexcept {
  if (packet.layer >= count_) return;
  LayerInfo& info = info_[packet.layer];
  Meter& meter = meters_[packet.layer];
  if (!info.alive) {
    info.alive = true;
    info.alive_since = now;
    changed_ = true;
    meter = {};
    meter.window_begin = now;
  }
  const bool new_frame = !meter.measuring || static_cast<std::int32_t>(packet.rtp_timestamp - meter.last_timestamp) > 0;
  if (new_frame) {
    if (meter.measuring) {
      const Duration interval = now - meter.last_frame;
      info.frame_interval = info.frame_interval == Duration{} ? interval : (info.frame_interval * 7 + interval) / 8;
    }
    meter.measuring = true;
    meter.last_timestamp = packet.rtp_timestamp;
    meter.last_frame = now;
    ++meter.frames;
    for (std::uint8_t i = 0; i < count_; ++i) {
      if (i != packet.layer) ++meters_[i].frames_of_siblings;
    }
  }
  info.seen = true;
  info.last_packet = now;
  meter.frames_of_siblings = 0;
  measure(now, packet.layer);
  meter.bytes += static_cast<std::int64_t>(packet.size);
  if (packet.frame_start && packet.key_frame && packet.width != 0 && packet.height != 0 &&
      (packet.width != info.width || packet.height != info.height)) {
    info.width = packet.width;
    info.height = packet.height;
    sort();
  }
}

void LayerObserver::restore(TimePoint now, std::uint8_t layer, std::uint16_t width, std::uint16_t height,
                            TimePoint last_packet) noexcept {
  if (layer >= count_) return;
  LayerInfo& info = info_[layer];
  info.seen = true;
  info.width = width;
  info.height = height;
  info.last_packet = std::min(last_packet, now);
  if (now - info.last_packet < silence_max) {
    info.alive = true;
    info.alive_since = now - stable_after;
    info.last_packet = now;  // what came while nobody listened is not its fault
    meters_[layer] = {};
    meters_[layer].window_begin = now;
  }
  sort();
  changed_ = true;
}

void LayerObserver::measure(TimePoint now, std::uint8_t index) noexcept {
  Meter& meter = meters_[index];
  const Duration elapsed = now - meter.window_begin;
  if (elapsed < measuring_window) return;
  info_[index].bitrate = rate_of({meter.bytes}, elapsed);
  // The frame that this packet may have begun belongs to the next window.
  const std::uint32_t begun = meter.last_frame == now ? 1 : 0;
  info_[index].frames_per_second = (meter.frames - begun) / std::chrono::duration<double>(elapsed).count();
  meter.window_begin = now;
  meter.bytes = 0;
  meter.frames = begun;
}

void LayerObserver::sort() noexcept {
  std::array<std::uint8_t, simulcast_layers_max> sized{};
  std::array<std::uint8_t, simulcast_layers_max> places{};
  std::size_t count = 0;
  for (std::uint8_t i = 0; i < count_; ++i) {
    if (info_[i].width == 0) continue;
    sized[count] = i;
    places[count] = i;
    ++count;
  }
  const auto area = [this](std::uint8_t i) { return std::uint32_t{info_[i].width} * info_[i].height; };
  // Insertion sort: stable, and three at most.
  for (std::size_t i = 1; i < count; ++i) {
    for (std::size_t j = i; j > 0 && area(sized[j]) < area(sized[j - 1]); --j) std::swap(sized[j], sized[j - 1]);
  }
  const auto before = order_;
  for (std::uint8_t i = 0; i < simulcast_layers_max; ++i) order_[i] = i;
  // The smallest seen lies behind the largest: then the rids were given highest first, unseen ones as well.
  if (count > 1 && sized[0] > sized[count - 1] && area(sized[0]) < area(sized[count - 1])) {
    std::reverse(order_.begin(), order_.begin() + count_);
    for (std::size_t i = 0; i < count; ++i) places[i] = static_cast<std::uint8_t>(count_ - 1U - places[i]);
    std::sort(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(count));
  }
  for (std::size_t i = 0; i < count; ++i) order_[places[i]] = sized[i];
  if (order_ != before) changed_ = true;
}

TimePoint LayerObserver::dead_at(std::uint8_t index) const noexcept {
  const LayerInfo& info = info_[index];
  const Duration intervals = info.frame_interval * silence_frames;
  const bool others_go_on = meters_[index].frames_of_siblings >= sibling_frames;
  return info.last_packet + std::max(others_go_on ? silence_beside_others : silence_max, intervals);
}

void LayerObserver::handle_timeout(TimePoint now) noexcept {
  for (std::uint8_t i = 0; i < count_; ++i) {
    if (!info_[i].alive || now < dead_at(i)) continue;
    info_[i].alive = false;
    info_[i].bitrate = {};
    info_[i].frames_per_second = 0;
    info_[i].frame_interval = {};
    changed_ = true;
  }
}

TimePoint LayerObserver::next_deadline() const noexcept {
  TimePoint deadline = never;
  for (std::uint8_t i = 0; i < count_; ++i) {
    if (info_[i].alive) deadline = std::min(deadline, dead_at(i));
  }
  return deadline;
}

bool LayerObserver::take_changed() noexcept {
  const bool changed = changed_;
  changed_ = false;
  return changed;
}

std::uint8_t LayerObserver::alive_mask() const noexcept {
  std::uint8_t mask = 0;
  for (std::uint8_t i = 0; i < count_; ++i) {
    if (info_[i].alive) mask = static_cast<std::uint8_t>(mask | 1U << i);
  }
  return mask;
}

std::uint8_t LayerObserver::alive_ranks() const noexcept {
  std::uint8_t mask = 0;
  for (std::uint8_t rank = 0; rank < count_; ++rank) {
    if (info_[order_[rank]].alive) mask = static_cast<std::uint8_t>(mask | 1U << rank);
  }
  return mask;
}

bool LayerObserver::stable(TimePoint now, std::uint8_t index) const noexcept {
  return alive(index) && now - info_[index].alive_since >= stable_after;
}

std::uint8_t LayerObserver::rank_of(std::uint8_t index) const noexcept {
  for (std::uint8_t rank = 0; rank < count_; ++rank) {
    if (order_[rank] == index) return rank;
  }
  return static_cast<std::uint8_t>(count_ - 1);
}

}  // namespace sluice
