#include "dataplane/engine/media_socket.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <limits>

#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/socket_name.hpp"

namespace sluice {

MediaSocketSet prepare_media_sockets(const EngineConfig& config) {
  MediaSocketSet set;
  set.receive_offload = config.receive_offload;
  set.send_offload = config.send_offload;
  bool usable = false;
  for (const int fd : config.sockets) {
    const std::size_t index = set.sockets.size();
    MediaSocket socket{fd, fd < 0 ? static_cast<sa_family_t>(AF_UNSPEC) : family_of_socket(fd),
                       fd >= 0 && index >= config.receive_begin && index < config.receive_end};
    if (socket.family != AF_INET && socket.family != AF_INET6) socket = {};
    set.sockets.push_back(socket);
    if (socket.fd < 0) continue;
    // A segment size of 0 changes nothing and fails only where the kernel does not know the option.
    const int none = 0;
    if (::setsockopt(fd, SOL_UDP, UDP_SEGMENT, &none, sizeof(none)) != 0) set.send_offload = false;
    if (!socket.receives) continue;  // what its receiver wants of it is not for us to say
    usable = true;
    const int on = 1;
    if (set.receive_offload && ::setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on)) != 0) set.receive_offload = false;
  }
  if (!usable) throw EngineUnavailable("The engine was given no UDP socket.");
  if (set.sockets.size() > std::numeric_limits<std::uint16_t>::max()) throw EngineUnavailable("Too many sockets.");
  if (!set.receive_offload) {
    // The socket may come from a worker that had turned it on, or a sibling socket refused.
    const int off = 0;
    for (const MediaSocket& socket : set.sockets) {
      if (socket.receives) (void)::setsockopt(socket.fd, SOL_UDP, UDP_GRO, &off, sizeof(off));
    }
  }
  return set;
}

}  // namespace sluice
