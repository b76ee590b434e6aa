// The client protocols beside the native one.
#include "control/config/option_groups.hpp"

namespace sluice::config {

std::span<const Option> dialect_options() noexcept {
  return {};
}

}  // namespace sluice::config
