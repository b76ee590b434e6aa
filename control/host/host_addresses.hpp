#pragma once

#include <vector>

#include "shm/types/address.hpp"

namespace sluice {

/// The addresses at which other machines may reach this one, IPv4 first: every interface that is up, without loopback and
/// link-local ones. 127.0.0.1 alone when there is no other.
[[nodiscard]] std::vector<SocketAddress> host_addresses();

}  // namespace sluice
