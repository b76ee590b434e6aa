#pragma once

#include <cstdint>

#include "dataplane/worker/message_sinks.hpp"
#include "dataplane/worker/recovery_layout.hpp"
#include "dataplane/worker/relay_rings.hpp"
#include "shm/channel/handshake_segment.hpp"
#include "shm/channel/message_receiver.hpp"
#include "shm/channel/message_sender.hpp"
#include "shm/channel/shared_segment.hpp"
#include "shm/descriptors/descriptor_set.hpp"
#include "shm/state_log/state_log.hpp"

namespace sluice {

/// Everything in shared memory that one worker process works with: its segments and the rings in them.
class WorkerChannels {
 public:
  /// Attaches the segments of worker `index` among `descriptors`, with what a predecessor left in them; `blank`: without.
  /// Recovery segment and wish log that are not of this build, or damaged, begin empty (`started_blank` tells). Throws
  /// std::runtime_error with the segment's name and the reason.
  WorkerChannels(const DescriptorSet& descriptors, std::uint16_t index, bool blank);

  bool started_blank;  ///< nothing of a predecessor is there, or nothing usable
  SharedSegment shared;
  RecoverySegment recovery;
  StateLog wishes;
  HandshakeSegment handshake;
  CommandReceiver commands;
  EventSender events;
  HandshakeReceiver from_handshaker;
  HandshakeSender to_handshaker;
  RelayRings relays;
  /// Of this process on the segment: 1, 2, ...
  std::uint64_t incarnation;
};

/// Events to the ring of control. They lie there until wake(), once per turn of the loop.
class EventRing final : public EventSink {
 public:
  explicit EventRing(EventSender& sender) noexcept : sender_(sender) {}
  bool emit(Bytes event) noexcept override { return sender_.send_bytes(event, Wake::later) == PushResult::ok; }

 private:
  EventSender& sender_;
};

/// Messages to the ring of the handshaker, likewise.
class HandshakeRing final : public HandshakeSink {
 public:
  explicit HandshakeRing(HandshakeSender& sender) noexcept : sender_(sender) {}
  bool send(Bytes message) noexcept override { return sender_.send_bytes(message, Wake::later) == PushResult::ok; }

 private:
  HandshakeSender& sender_;
};

}  // namespace sluice
