#include "dataplane/worker/worker_channels.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "shm/channel/blank_regions.hpp"

namespace sluice {
namespace {

static_assert(sizeof(RecoveryLayout) <= BlankRegions::recovery_bytes);

int descriptor_of(const DescriptorSet& descriptors, const std::string& name) {
  const int fd = descriptors.find(name);
  if (fd < 0) throw std::runtime_error("the supervisor passed no " + name);
  return fd;
}

template <typename Segment>
Segment taken(Result<Segment, RegionError> result, const std::string& name) {
  if (!result) throw std::runtime_error(name + ": " + result.error().to_string());
  return std::move(*result);
}

RecoverySegment fresh_recovery(int fd, const std::string& name) {
  // Emptied as a whole, which gives back the pages, and formatted anew.
  auto region = Region::map(fd, Access::read_write);
  if (!region) throw std::runtime_error(name + ": " + region.error().to_string());
  if (auto cleared = region->clear(); !cleared) throw std::runtime_error(name + ": " + cleared.error().to_string());
  auto segment = taken(RecoverySegment::attach_or_format(fd, 1), name);
  (void)segment.region().guard_secrets();
  return segment;
}

HandshakeSegment guarded_handshake(int fd, const std::string& name) {
  auto segment = taken(HandshakeSegment::attach(fd), name);
  (void)segment.region().guard_secrets();
  return segment;
}

/// A bell of our own on the eventfd behind `name`.
Doorbell doorbell_of(const DescriptorSet& descriptors, const std::string& name) {
  Descriptor copy = Descriptor::duplicate(descriptor_of(descriptors, name));
  if (!copy.valid()) throw std::runtime_error("no descriptor left for " + name);
  return Doorbell(std::move(copy));
}

std::string numbered(std::string name, std::uint16_t index) {
  return std::move(name) + "." + std::to_string(index);
}

}  // namespace

WorkerChannels::WorkerChannels(const DescriptorSet& descriptors, std::uint16_t index)
    : shared(taken(SharedSegment::attach(descriptor_of(descriptors, numbered("shared", index))), numbered("shared", index))),
      recovery(fresh_recovery(descriptor_of(descriptors, numbered("recovery", index)), numbered("recovery", index))),
      handshake(guarded_handshake(descriptor_of(descriptors, numbered("handshake", index)), numbered("handshake", index))),
      commands(shared->commands, doorbell_of(descriptors, numbered("doorbell.worker", index))),
      events(shared->events, doorbell_of(descriptors, "doorbell.control")),
      from_handshaker(handshake->to_worker, doorbell_of(descriptors, numbered("doorbell.worker", index))),
      to_handshaker(handshake->to_handshaker, doorbell_of(descriptors, "doorbell.handshaker")),
      incarnation(shared->generations.worker_incarnation.fetch_add(1) + 1) {
  // Nothing that the predecessor committed is here.
  shared->generations.committed.store(0, std::memory_order_release);
}

}  // namespace sluice
