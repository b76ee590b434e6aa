#pragma once

#include <memory>
#include <string>

namespace sluice {

/// A message that is serialised once and goes to many receivers; never changed after it was made. Also used for bytes that
/// are no text.
using SharedText = std::shared_ptr<const std::string>;

}  // namespace sluice
