#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/socket_name.hpp"

namespace sluice {

/// One message as the kernel gave it: a datagram, or with UDP_GRO several of one sender, each `segment_bytes` long but the
/// last. Borrowed from a receive buffer.
struct ReceivedMessage {
  const SocketName* name = nullptr;
  std::uint16_t socket = 0;
  MutableBytes bytes;
  std::size_t segment_bytes = 0;  // 0: a single datagram
  bool truncated = false;         // the kernel had more than the buffer holds
};

/// Space in a receive buffer for what the kernel says about UDP_GRO.
inline constexpr std::size_t offload_control_bytes = CMSG_SPACE(sizeof(int));
/// The longest UDP payload and thus the longest coalesced message.
inline constexpr std::size_t coalesced_bytes_max = 65536;

/// The segment size in a UDP_GRO control message, or 0.
[[nodiscard]] std::size_t segment_bytes_of(const msghdr& header) noexcept;

/// Hands the datagrams of `message` to `handler`, drops and counts those beyond `datagram_bytes_max`, and returns how many
/// were handed over. Empty datagrams are dropped silently: they carry nothing of any protocol here.
std::size_t deliver(const ReceivedMessage& message, TimePoint now, std::size_t datagram_bytes_max, EngineHandler& handler,
                    EngineStatistics& statistics) noexcept;

}  // namespace sluice
