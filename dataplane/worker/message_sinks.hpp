#pragma once

#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"

namespace sluice {

/// Where a worker's finished messages go: the rings in production, a list in tests. An implementation copies the bytes
/// during the call.
class EventSink {
 public:
  virtual ~EventSink() = default;
  /// One finished `schema::Event` for control. False when there is no room: the worker counts it and goes on, because the
  /// live tables carry the same facts.
  virtual bool emit(Bytes event) noexcept = 0;
};

class HandshakeSink {
 public:
  virtual ~HandshakeSink() = default;
  /// One finished `schema::Handshake` for the handshaker. False when there is no room: DTLS is resent by the peer, and the
  /// worker repeats its own opens and closes until they are taken.
  virtual bool send(Bytes message) noexcept = 0;
};

class RelaySink {
 public:
  virtual ~RelaySink() = default;
  /// One message for another worker (relay_message.hpp). False when there is no room or no such worker: records are told
  /// again, datagrams are lost as on a network.
  virtual bool push(WorkerId to, Bytes message) noexcept = 0;
};

}  // namespace sluice
