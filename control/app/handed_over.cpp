#include "control/app/handed_over.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "control/observability/log.hpp"
#include "shm/region/region.hpp"

namespace sluice::app {

Descriptor required(DescriptorSet& descriptors, const std::string& name) {
  Descriptor descriptor = descriptors.take(name);
  if (!descriptor.valid())
    throw std::runtime_error("The supervisor did not hand over '" + name + "'; start the server by 'sluice serve'.");
  return descriptor;
}

PulseSegment open_pulse(DescriptorSet& descriptors) {
  auto pulse = PulseSegment::attach(required(descriptors, "pulse").get());
  if (!pulse) throw std::runtime_error("The segment of the heartbeat cannot be used: " + pulse.error().to_string() + ".");
  return std::move(*pulse);
}

StateLog open_state_log(DescriptorSet& descriptors) {
  const Descriptor fd = required(descriptors, "control-state");
  auto region = Region::map(fd.get(), Access::read_write);
  if (!region) throw std::runtime_error("The control-state segment cannot be mapped: " + region.error().to_string() + ".");
  auto log = StateLog::open(std::move(*region));
  if (log) return std::move(*log);
  // What cannot be read is given up: media goes on, clients join anew.
  log::error("control state cannot be read, starting empty", {{"reason", log.error().to_string()}});
  region = Region::map(fd.get(), Access::read_write);
  if (region) log = StateLog::format(std::move(*region));
  if (!log) throw std::runtime_error("The control-state segment cannot be used: " + log.error().to_string() + ".");
  return std::move(*log);
}

std::string read_whole(int fd) {
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0 || status.st_size <= 0) return {};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

}  // namespace sluice::app
