// Limits, threats, backpressure, audit, sessions, replay, retention, and the store that keeps them.
#include <array>

#include "control/config/option_groups.hpp"

namespace sluice::config {

namespace {

using enum OptionType;

constexpr std::array options{
    Option{"store.path", text, "",
           "folder of lasting state (SQLite); off: state outlives control, not the server; default: $STATE_DIRECTORY, else "
           "store-PORT beside the control socket"},
};

}  // namespace

std::span<const Option> security_options() noexcept {
  return options;
}

}  // namespace sluice::config
