#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace sluice::socketio {

/// Where the binary value `number` stands in a JSON text (contract section 7.4): the whole object
/// `{"_placeholder":true,...}`.
struct Placeholder {
  std::size_t begin = 0;  // offset of its brace
  std::size_t size = 0;
  std::size_t number = 0;
};

/// All placeholders of a valid JSON text, in the order of the text, none inside another. Nothing when one has no number, or
/// one that is not below `attachments`.
[[nodiscard]] std::optional<std::vector<Placeholder>> find_placeholders(std::string_view json, std::size_t attachments);

}  // namespace sluice::socketio
