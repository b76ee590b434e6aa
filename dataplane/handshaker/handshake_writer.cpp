#include "dataplane/handshaker/handshake_writer.hpp"

#include <openssl/crypto.h>

namespace sluice {
namespace {

flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> vector_of(flatbuffers::FlatBufferBuilder& builder, Bytes bytes) {
  return builder.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

template <typename Body>
Bytes HandshakeWriter::finish(flatbuffers::Offset<Body> body) {
  builder_.Finish(schema::CreateHandshake(builder_, schema::HandshakeBodyTraits<Body>::enum_value, body.Union()));
  return {reinterpret_cast<const std::byte*>(builder_.GetBufferPointer()), builder_.GetSize()};
}

Bytes HandshakeWriter::send(TransportId transport, Bytes datagram) {
  builder_.Clear();
  return finish(schema::CreateHandshakeSend(builder_, transport.packed(), vector_of(builder_, datagram)));
}

Bytes HandshakeWriter::done(TransportId transport, const DtlsSrtpKeys& keys) {
  builder_.Clear();
  const auto local = vector_of(builder_, keys.local_key_salt());
  const auto remote = vector_of(builder_, keys.remote_key_salt());
  return finish(
      schema::CreateHandshakeDone(builder_, transport.packed(), static_cast<std::uint16_t>(keys.profile), local, remote));
}

Bytes HandshakeWriter::failed(TransportId transport, std::uint8_t reason) {
  builder_.Clear();
  return finish(schema::CreateHandshakeFailed(builder_, transport.packed(), reason));
}

Bytes HandshakeWriter::started(std::uint64_t incarnation) {
  builder_.Clear();
  return finish(schema::CreateHandshakerStarted(builder_, incarnation));
}

void HandshakeWriter::forget() noexcept {
  // The initial 2 KiB hold every message with keys, so the builder never moved them.
  if (builder_.GetSize() > 0) OPENSSL_cleanse(builder_.GetCurrentBufferPointer(), builder_.GetSize());
  builder_.Clear();
}

}  // namespace sluice
