#include "dataplane/worker/event_writer.hpp"

#include "schemas/events_generated.h"
#include "schemas/handshake_generated.h"

namespace sluice {
namespace {

template <typename A, typename B>
constexpr bool same_number(A a, B b) {
  return static_cast<int>(a) == static_cast<int>(b);
}
static_assert(same_number(TransportPhase::waiting, schema::TransportState::waiting));
static_assert(same_number(TransportPhase::connected, schema::TransportState::connected));
static_assert(same_number(TransportPhase::closed, schema::TransportState::closed));
static_assert(same_number(TransportReason::none, schema::FailureReason::none));
static_assert(same_number(TransportReason::quarantined, schema::FailureReason::quarantined));

flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> vector_of(flatbuffers::FlatBufferBuilder& builder, Bytes bytes) {
  return builder.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

template <typename Body>
void EventWriter::emit(flatbuffers::Offset<Body> body) {
  builder_.Finish(schema::CreateEvent(builder_, schema::EventBodyTraits<Body>::enum_value, body.Union()));
  if (!sink_.emit(std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize()))))
    counters_.add(Counter::events_dropped);
  builder_.Clear();
}

void EventWriter::transport_changed(TransportId id, TransportPhase phase, TransportReason reason) {
  emit(schema::CreateTransportChanged(builder_, id.packed(), static_cast<schema::TransportState>(phase),
                                      static_cast<schema::FailureReason>(reason)));
}

void EventWriter::publication_changed(PublicationId id, std::uint8_t active_layers) {
  emit(schema::CreatePublicationChanged(builder_, id.packed(), active_layers));
}

void EventWriter::subscription_changed(SubscriptionId id, std::uint8_t current_layer) {
  emit(schema::CreateSubscriptionChanged(builder_, id.packed(), current_layer));
}

void EventWriter::generation_applied(std::uint64_t generation) {
  emit(schema::CreateGenerationApplied(builder_, generation));
}

void EventWriter::snapshot_wanted(std::uint64_t incarnation, std::uint64_t refused_generation) {
  emit(schema::CreateSnapshotWanted(builder_, incarnation, refused_generation));
}

template <typename Body>
bool HandshakeWriter::send(flatbuffers::Offset<Body> body) {
  builder_.Finish(schema::CreateHandshake(builder_, schema::HandshakeBodyTraits<Body>::enum_value, body.Union()));
  const bool sent = sink_.send(std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize())));
  if (!sent) counters_.add(Counter::handshake_messages_dropped);
  builder_.Clear();
  return sent;
}

bool HandshakeWriter::open(TransportId id, DtlsRole role, Bytes fingerprint) {
  const auto vector = vector_of(builder_, fingerprint);
  return send(schema::CreateHandshakeOpen(builder_, id.packed(), static_cast<std::uint8_t>(role), vector));
}

bool HandshakeWriter::datagram(TransportId id, Bytes bytes) {
  const auto vector = vector_of(builder_, bytes);
  return send(schema::CreateHandshakeDatagram(builder_, id.packed(), vector));
}

bool HandshakeWriter::close(TransportId id) {
  return send(schema::CreateHandshakeClose(builder_, id.packed()));
}

bool HandshakeWriter::move(TransportId id, WorkerId to_worker, TransportId to) {
  return send(schema::CreateHandshakeMove(builder_, id.packed(), to_worker.value, to.packed()));
}

}  // namespace sluice
