#include "dataplane/engine/received_message.hpp"

#include <netinet/udp.h>

#include <algorithm>
#include <cstring>

namespace sluice {

std::size_t segment_bytes_of(const msghdr& header) noexcept {
  // CMSG_NXTHDR takes a non-const header in glibc but does not write to it.
  auto* message = const_cast<msghdr*>(&header);
  for (const cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr;
       part = CMSG_NXTHDR(message, const_cast<cmsghdr*>(part))) {
    if (part->cmsg_level != SOL_UDP || part->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(part), sizeof(size));
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  return 0;
}

std::size_t deliver(const ReceivedMessage& message, TimePoint now, std::size_t datagram_bytes_max, EngineHandler& handler,
                    EngineStatistics& statistics) noexcept {
  ++statistics.messages_received;
  const std::size_t segment = message.segment_bytes == 0 ? message.bytes.size() : message.segment_bytes;
  const Tuple from{read_socket_name(*message.name), message.socket};
  MutableBytes rest = message.bytes;
  std::size_t delivered = 0;
  while (!rest.empty()) {
    const MutableBytes datagram = rest.first(std::min(segment, rest.size()));
    rest = rest.subspan(datagram.size());
    const bool cut = message.truncated && rest.empty();
    if (cut || datagram.size() > datagram_bytes_max) {
      ++statistics.datagrams_oversized;
      continue;
    }
    ++statistics.datagrams_received;
    statistics.bytes_received += datagram.size();
    handler.on_datagram(now, from, datagram);
    ++delivered;
  }
  return delivered;
}

}  // namespace sluice
