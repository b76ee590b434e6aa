#pragma once

#include <flatbuffers/flatbuffers.h>
#include <cstdint>

#include "dataplane/transport/transport_record.hpp"
#include "dataplane/worker/message_sinks.hpp"
#include "shm/counters/counter_block.hpp"
#include "shm/types/ids.hpp"

namespace sluice {

/// Makes the worker's events and gives them to the sink; keeps its builder's memory.
class EventWriter {
 public:
  EventWriter(EventSink& sink, CounterBlock& counters) : sink_(sink), counters_(counters) {}
  void transport_changed(TransportId id, TransportPhase phase, TransportReason reason);
  void publication_changed(PublicationId id, std::uint8_t active_layers);
  /// 255: nothing is forwarded.
  void subscription_changed(SubscriptionId id, std::uint8_t current_layer);
  void generation_applied(std::uint64_t generation);
  void snapshot_wanted(std::uint64_t incarnation, std::uint64_t refused_generation);

 private:
  template <typename Body>
  void emit(flatbuffers::Offset<Body> body);
  EventSink& sink_;
  CounterBlock& counters_;
  flatbuffers::FlatBufferBuilder builder_{256};
};

/// Makes the worker's messages to the handshaker.
class HandshakeWriter {
 public:
  HandshakeWriter(HandshakeSink& sink, CounterBlock& counters) : sink_(sink), counters_(counters) {}
  /// False when there was no room: to be repeated (open, close) or left to the peer's resending (datagram).
  bool open(TransportId id, DtlsRole role, Bytes fingerprint);
  bool datagram(TransportId id, Bytes bytes);
  bool close(TransportId id);
  /// Another worker goes on with the association.
  bool move(TransportId id, WorkerId to_worker, TransportId to);

 private:
  template <typename Body>
  bool send(flatbuffers::Offset<Body> body);
  HandshakeSink& sink_;
  CounterBlock& counters_;
  flatbuffers::FlatBufferBuilder builder_{2048};
};

}  // namespace sluice
