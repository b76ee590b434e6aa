#pragma once

#include <string>

#include "control/sdp/description.hpp"

namespace sluice::sdp {

/// The text of a description, with CRLF. parse(write(d)) == d for every d that parse can return.
[[nodiscard]] std::string write(const SessionDescription& description);

}  // namespace sluice::sdp
