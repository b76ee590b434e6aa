#pragma once

#include <cstddef>
#include <vector>

#include "dataplane/transport/spec.hpp"

namespace sluice {

// A row of the desired state as the finished `schema::Command` that would ask for it: what the wish log holds, and what a
// successor reads with the same checks as a command from the ring (command_reader.hpp).
[[nodiscard]] std::vector<std::byte> encode_wish(const TransportSpec& spec);
[[nodiscard]] std::vector<std::byte> encode_wish(const PublicationSpec& spec);
[[nodiscard]] std::vector<std::byte> encode_wish(const SubscriptionSpec& spec);
[[nodiscard]] std::vector<std::byte> encode_wish(const DepartureSpec& spec);

}  // namespace sluice
