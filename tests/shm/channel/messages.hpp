#pragma once

#include <flatbuffers/flatbuffers.h>

#include <string>
#include <utility>
#include <vector>

#include "shm/channel/message_rules.hpp"

namespace sluice::test {

/// One message of every kind of every family, with every field set: what the golden buffers hold and the fuzzers start
/// from. The name's first word is the family.
[[nodiscard]] std::vector<std::pair<std::string, flatbuffers::DetachedBuffer>> sample_messages();

}  // namespace sluice::test
