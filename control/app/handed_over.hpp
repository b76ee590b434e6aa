#pragma once

#include <string>

#include "shm/channel/pulse_segment.hpp"
#include "shm/descriptors/descriptor_set.hpp"
#include "shm/state_log/state_log.hpp"

/// What the supervisor hands over to control at its start.
namespace sluice::app {

/// The descriptor of that name, taken out of the set; std::runtime_error, a sentence, when it is missing.
[[nodiscard]] Descriptor required(DescriptorSet& descriptors, const std::string& name);
/// Where control shows that it is alive; throws as required() does.
[[nodiscard]] PulseSegment open_pulse(DescriptorSet& descriptors);
/// What an earlier control process knew; empty when it cannot be read. Throws as required() does.
[[nodiscard]] StateLog open_state_log(DescriptorSet& descriptors);

/// All of a file; empty when there is no such file.
[[nodiscard]] std::string read_whole(int fd);

}  // namespace sluice::app
