#include "dataplane/worker/relay_rings.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace sluice {
namespace {

RelaySegment attached(int fd, const std::string& name) {
  auto segment = RelaySegment::attach(fd);
  if (!segment) throw std::runtime_error(name + ": " + segment.error().to_string());
  (void)segment->region().guard_secrets();
  return std::move(*segment);
}

}  // namespace

RelayRings::RelayRings(const DescriptorSet& descriptors, std::uint16_t self)
    : workers_(static_cast<std::uint16_t>(self + 1)), buffer_(std::make_unique<std::array<std::byte, message_max>>()) {
  constexpr std::uint16_t workers_max = 1024;
  const std::string own = std::to_string(self);
  for (std::uint16_t i = 0; i < workers_max; ++i) {
    if (i == self) continue;
    const std::string other = std::to_string(i);
    const std::string out = "relay." + own + "." + other;
    const std::string in = "relay." + other + "." + own;
    const int out_fd = descriptors.find(out);
    const int in_fd = descriptors.find(in);
    const int bell = descriptors.find("doorbell.worker." + other);
    if (out_fd < 0 || in_fd < 0 || bell < 0) continue;
    RelaySegment to = attached(out_fd, out);
    RelaySegment from = attached(in_fd, in);
    const RingView out_ring(to->ring);
    const RingView in_ring(from->ring);
    ways_.push_back(std::make_unique<Way>(WorkerId{i}, std::move(to), std::move(from), RingProducer(out_ring),
                                          RingConsumer(in_ring), Doorbell(Descriptor::duplicate(bell))));
    workers_ = std::max(workers_, static_cast<std::uint16_t>(i + 1));
  }
}

bool RelayRings::push(WorkerId to, Bytes message) noexcept {
  for (const auto& way : ways_) {
    if (way->other != to) continue;
    if (message.size() > message_max || way->producer.try_push(message) != PushResult::ok) return false;
    way->unrung = true;
    return true;
  }
  return false;
}

void RelayRings::wake() noexcept {
  for (const auto& way : ways_) {
    if (std::exchange(way->unrung, false) && way->producer.should_ring()) way->bell.ring();
  }
}

std::optional<RelayRings::Received> RelayRings::receive() noexcept {
  constexpr int faults_at_once = 16;  // a hostile sender cannot hold the caller
  for (std::size_t tried = 0; tried < ways_.size(); ++tried) {
    Way& way = *ways_[turn_ % ways_.size()];
    ++turn_;
    for (int i = 0; i < faults_at_once; ++i) {
      const auto popped = way.consumer.try_pop(*buffer_);
      if (!popped) {
        ++faults_;
        continue;
      }
      if (!*popped) break;
      return Received{way.other, MutableBytes(*buffer_).first(**popped)};
    }
  }
  return std::nullopt;
}

bool RelayRings::prepare_to_sleep() noexcept {
  return std::all_of(ways_.begin(), ways_.end(), [](const auto& way) { return way->consumer.prepare_to_sleep(); });
}

void RelayRings::wake_up() noexcept {
  for (const auto& way : ways_) way->consumer.wake_up();
}

}  // namespace sluice
