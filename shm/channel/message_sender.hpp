#pragma once

#include <cstdint>
#include <utility>

#include <flatbuffers/flatbuffers.h>

#include "shm/channel/message_rules.hpp"
#include "shm/ring/doorbell.hpp"
#include "shm/ring/ring_producer.hpp"

namespace sluice {

/// Whether a send wakes a sleeping receiver at once or leaves that to a later wake().
enum class Wake : std::uint8_t { now, later };

/// Sends messages of one family over one ring. One per ring and process; borrows the segment that holds the ring.
template <typename Family>
class MessageSender {
 public:
  /// `doorbell` wakes the receiver; it is rung once after construction (by the first wake), because a predecessor may have
  /// died between publishing and ringing.
  MessageSender(RingView ring, Doorbell doorbell) noexcept : producer_(ring), doorbell_(std::move(doorbell)) {}

  /// Wraps `body` into the family's root, sends it and clears the builder, which keeps its memory for the next message.
  /// `full`: nothing was sent; the caller's policy decides (retry later, drop and count).
  template <typename Body>
  PushResult send(flatbuffers::FlatBufferBuilder& builder, flatbuffers::Offset<Body> body, Wake wake_up = Wake::now) {
    builder.Finish(Family::create(builder, Family::template body_type<Body>, body.Union()));
    const PushResult result = send_finished(builder, wake_up);
    builder.Clear();
    return result;
  }
  /// Sends a finished builder as it is and does not clear it.
  PushResult send_finished(const flatbuffers::FlatBufferBuilder& builder, Wake wake_up = Wake::now) noexcept {
    return send_bytes(Bytes(reinterpret_cast<const std::byte*>(builder.GetBufferPointer()), builder.GetSize()), wake_up);
  }
  /// Sends a message that was finished earlier.
  PushResult send_bytes(Bytes message, Wake wake_up = Wake::now) noexcept {
    if (message.size() > MessageLimits::bytes) return PushResult::too_large;
    const PushResult result = producer_.try_push(message);
    if (result == PushResult::ok) silent_ = true;
    if (wake_up == Wake::now) wake();
    return result;
  }
  /// Rings if something was sent since the last wake and the receiver sleeps; once per batch of Wake::later sends. With
  /// nothing sent it costs nothing: two loops that wake each other in every turn would otherwise never rest.
  void wake() noexcept {
    if (!std::exchange(silent_, false)) return;
    if (producer_.should_ring()) doorbell_.ring();
  }
  /// Bytes in the ring that the receiver has not taken.
  [[nodiscard]] std::size_t backlog_bytes() noexcept { return producer_.backlog_bytes(); }

 private:
  RingProducer producer_;
  Doorbell doorbell_;
  bool silent_ = true;  // something may lie in the ring that the bell was not rung for: what a predecessor left, at first
};

using CommandSender = MessageSender<CommandFamily>;
using EventSender = MessageSender<EventFamily>;
using HandshakeSender = MessageSender<HandshakeFamily>;

}  // namespace sluice
