// Admission, capability and room tokens, TURN, consent, residency, moderation, end-to-end keys.
#include "control/config/option_groups.hpp"

namespace sluice::config {

std::span<const Option> policy_options() noexcept {
  return {};
}

}  // namespace sluice::config
