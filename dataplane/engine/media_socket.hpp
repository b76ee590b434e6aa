#pragma once

#include <sys/socket.h>

#include <vector>

namespace sluice {

struct EngineConfig;

/// What the engines learned about one of their sockets at start.
struct MediaSocket {
  int fd = -1;
  sa_family_t family = AF_UNSPEC;  // AF_UNSPEC: there is no such socket
  bool receives = false;           // else it is only sent from
};

/// The sockets of an engine and the offloads that all of them grant.
struct MediaSocketSet {
  std::vector<MediaSocket> sockets;  // the index is Tuple::socket
  bool receive_offload = false;
  bool send_offload = false;
};

/// Looks at `config.sockets`, turns UDP_GRO on or off and probes UDP_SEGMENT. Throws EngineUnavailable when not one socket
/// is usable.
[[nodiscard]] MediaSocketSet prepare_media_sockets(const EngineConfig& config);

}  // namespace sluice
