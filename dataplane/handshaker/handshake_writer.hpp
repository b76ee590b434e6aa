#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>

#include "dataplane/dtls/dtls_association.hpp"
#include "schemas/handshake_generated.h"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"

namespace sluice {

/// Builds the messages of schemas/handshake.fbs that go to a worker. Each result is borrowed until the next call. Wipes its
/// memory after messages with keys: call forget() when one was delivered.
class HandshakeWriter {
 public:
  HandshakeWriter() = default;
  HandshakeWriter(const HandshakeWriter&) = delete;
  HandshakeWriter& operator=(const HandshakeWriter&) = delete;
  ~HandshakeWriter() { forget(); }

  [[nodiscard]] Bytes send(TransportId transport, Bytes datagram);
  [[nodiscard]] Bytes done(TransportId transport, const DtlsSrtpKeys& keys);
  /// `reason` as in events.fbs.
  [[nodiscard]] Bytes failed(TransportId transport, std::uint8_t reason);
  [[nodiscard]] Bytes started(std::uint64_t incarnation);
  void forget() noexcept;

 private:
  template <typename Body>
  [[nodiscard]] Bytes finish(flatbuffers::Offset<Body> body);
  flatbuffers::FlatBufferBuilder builder_{2048};
};

}  // namespace sluice
