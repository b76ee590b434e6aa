#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "shm/descriptors/descriptor.hpp"
#include "shm/types/address.hpp"

namespace sluice::supervisor {

/// The UDP sockets of one worker. At least one is valid; both are bound to the same port.
struct MediaSockets {
  Descriptor v4;
  Descriptor v6;
};

/// Opens the sockets on `port`. `listen` holds at most one address of each family (their ports are ignored); empty means all
/// addresses of both families. A host without IPv6 gets no socket for "::". Buffers of 4 MiB are asked for and taken as the
/// kernel grants them. Throws StartError: a busy port, a missing right, an address that this host does not have.
[[nodiscard]] MediaSockets open_media_sockets(const std::vector<SocketAddress>& listen, std::uint16_t port);

}  // namespace sluice::supervisor
