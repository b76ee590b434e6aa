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

/// Emptied as a whole, which gives back the pages.
void empty(int fd, const std::string& name) {
  auto region = taken(Region::map(fd, Access::read_write), name);
  if (auto cleared = region.clear(); !cleared) throw std::runtime_error(name + ": " + cleared.error().to_string());
}

/// Both or none: wishes without records would make streams begin anew under keys that they were sealed with.
bool usable(int recovery, int wishes) {
  bool formatted = false;
  const auto segment = RecoverySegment::attach_or_format(recovery, 1, &formatted);
  if (!segment || formatted) return false;
  auto region = Region::map(wishes, Access::read_write);
  if (!region) return false;
  const auto log = StateLog::open(std::move(*region));
  return log && !log->damaged();
}

RecoverySegment guarded_recovery(int fd, const std::string& name) {
  auto segment = taken(RecoverySegment::attach_or_format(fd, 1), name);
  (void)segment.region().guard_secrets();
  return segment;
}

StateLog guarded_wishes(int fd, const std::string& name) {
  auto region = taken(Region::map(fd, Access::read_write), name);
  (void)region.guard_secrets();
  return taken(StateLog::open(std::move(region)), name);
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

/// Sees to it that recovery segment and wish log fit each other. True: they are empty.
bool prepare(const DescriptorSet& descriptors, std::uint16_t index, bool blank) {
  const int recovery = descriptor_of(descriptors, numbered("recovery", index));
  const int wishes = descriptor_of(descriptors, numbered("wishes", index));
  if (!blank && usable(recovery, wishes)) return false;
  empty(recovery, numbered("recovery", index));
  empty(wishes, numbered("wishes", index));
  return true;
}

}  // namespace

WorkerChannels::WorkerChannels(const DescriptorSet& descriptors, std::uint16_t index, bool blank)
    : started_blank(prepare(descriptors, index, blank)),
      shared(taken(SharedSegment::attach(descriptor_of(descriptors, numbered("shared", index))), numbered("shared", index))),
      recovery(guarded_recovery(descriptor_of(descriptors, numbered("recovery", index)), numbered("recovery", index))),
      wishes(guarded_wishes(descriptor_of(descriptors, numbered("wishes", index)), numbered("wishes", index))),
      handshake(guarded_handshake(descriptor_of(descriptors, numbered("handshake", index)), numbered("handshake", index))),
      commands(shared->commands, doorbell_of(descriptors, numbered("doorbell.worker", index))),
      events(shared->events, doorbell_of(descriptors, "doorbell.control")),
      from_handshaker(handshake->to_worker, doorbell_of(descriptors, numbered("doorbell.worker", index))),
      to_handshaker(handshake->to_handshaker, doorbell_of(descriptors, "doorbell.handshaker")),
      relays(descriptors, index),
      incarnation(shared->generations.worker_incarnation.fetch_add(1) + 1) {
  if (started_blank) shared->generations.committed.store(0, std::memory_order_release);
}

}  // namespace sluice
