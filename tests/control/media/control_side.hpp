#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/media/media.hpp"
#include "control/rooms/facts.hpp"
#include "tests/control/workers/far_side.hpp"

namespace sluice {

/// One control process as far as media is concerned, on workers and a log that outlive it.
struct ControlSide {
  ControlSide(workers::LogRegion& region, const std::vector<workers::FarSide*>& far, Entropy& entropy)
      : log(region.open()), workers(log) {
    for (workers::FarSide* side : far) workers.attach(side->info(), side->channel());
    media.emplace(bus, workers, log, entropy, MediaConfig{});
    heard.push_back(
        bus.subscribe<ConsumerReady>([this](const ConsumerReady& f) { ready.emplace_back(f.consumer.value, f.mid); }));
    heard.push_back(bus.subscribe<ConsumerCodecUnsupported>(
        [this](const ConsumerCodecUnsupported& f) { unsupported.push_back(f.consumer.value); }));
    heard.push_back(bus.subscribe<MediaConnected>([this](const MediaConnected& f) { connected.push_back(f.peer.value); }));
    heard.push_back(bus.subscribe<MediaClosed>([this](const MediaClosed& f) { closed.push_back(f.peer.value); }));
    heard.push_back(
        bus.subscribe<MediaInterrupted>([this](const MediaInterrupted& f) { interrupted.push_back(f.peer.value); }));
    heard.push_back(
        bus.subscribe<LayerForwarded>([this](const LayerForwarded& f) { layers.emplace_back(f.consumer.value, f.name); }));
  }
  Bus bus;
  StateLog log;
  workers::Workers workers;
  std::optional<Media> media;
  std::vector<Bus::Subscription> heard;
  std::vector<std::pair<std::string, std::string>> ready;
  std::vector<std::string> unsupported;
  std::vector<std::string> connected;
  std::vector<std::string> closed;
  std::vector<std::string> interrupted;
  std::vector<std::pair<std::string, std::string>> layers;
};

}  // namespace sluice
