#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/types/bytes.hpp"
#include "shm/types/time.hpp"

namespace sluice::load {

/// Where a stream's packets go: begin() gives the room for one, end() protects and queues it.
class PacketSink {
 public:
  static constexpr std::size_t room = 1400;  ///< what begin() gives at least, beside the room for SRTP
  virtual ~PacketSink() = default;
  [[nodiscard]] virtual MutableBytes begin() = 0;
  virtual void end(std::size_t size) = 0;
  /// The next transport-wide sequence number; one for each packet.
  [[nodiscard]] virtual std::uint16_t next_transport_number() = 0;
  /// The time of sending, to be stamped.
  [[nodiscard]] virtual TimePoint send_time() const = 0;
};

}  // namespace sluice::load
