#pragma once

#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"

namespace sluice {

/// Where the handshaker's finished messages go: the ring of each worker in production, a list in tests.
class HandshakerSink {
 public:
  virtual ~HandshakerSink() = default;
  /// One finished `schema::Handshake` for `worker`; the bytes are copied during the call and may carry keys. False when
  /// there is no room: HandshakeSend is dropped (DTLS repeats itself), the other messages are offered again later.
  [[nodiscard]] virtual bool deliver(WorkerId worker, Bytes message) noexcept = 0;
};

}  // namespace sluice
