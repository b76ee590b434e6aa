// The client protocols beside the native one.
#include <array>

#include "control/config/option_groups.hpp"

namespace sluice::config {

namespace {

using enum OptionType;

constexpr std::array options{
    Option{"dialects.whip.connectTimeout", integer, "30000",
           "milliseconds that the media of a WHIP or WHEP session may take to come up", 1000, 600000},
    Option{"dialects.whip.enabled", boolean, "true", "WHIP and WHEP on /whip/ROOM and /whep/ROOM"},
    Option{"dialects.whip.maxSessions", integer, "10000", "WHIP and WHEP sessions at once", 1, 1000000},
};

}  // namespace

std::span<const Option> dialect_options() noexcept {
  return options;
}

}  // namespace sluice::config
