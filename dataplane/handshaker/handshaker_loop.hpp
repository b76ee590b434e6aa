#pragma once

#include <cstdint>
#include <deque>

#include "dataplane/dtls/dtls_context.hpp"
#include "dataplane/handshaker/handshaker_core.hpp"
#include "dataplane/handshaker/handshaker_sink.hpp"
#include "shm/channel/handshake_segment.hpp"
#include "shm/channel/message_receiver.hpp"
#include "shm/channel/message_sender.hpp"
#include "shm/channel/pulse_segment.hpp"
#include "shm/descriptors/descriptor_set.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// The loop of the handshaker: takes messages from the rings of all workers in turn, a few of each, so that a storm at one
/// does not starve another; sleeps on its doorbell when all are empty. One thread.
class HandshakerLoop final : public HandshakerSink {
 public:
  /// Attaches the handshake segments of `workers` workers among `descriptors` and announces itself to them. `stop_fd`
  /// becomes readable when the loop is to end. Throws std::runtime_error with the segment's name and the reason.
  HandshakerLoop(const DescriptorSet& descriptors, std::uint16_t workers, const DtlsContext& context, int stop_fd);

  /// Until `stop_fd` is readable.
  void run();
  void turn();
  [[nodiscard]] const HandshakerCounters& counters() const noexcept { return core_.counters(); }

  bool deliver(WorkerId worker, Bytes message) noexcept override;

 private:
  struct Worker {
    HandshakeSegment segment;
    HandshakeReceiver receiver;
    HandshakeSender sender;
  };
  [[nodiscard]] std::size_t take_messages();
  [[nodiscard]] bool prepare_to_sleep() noexcept;
  void sleep() noexcept;
  void beat() noexcept;

  PulseSegment pulse_;
  std::deque<Worker> workers_;  // by index; a worker has no move
  int stop_fd_;
  HandshakerCore core_;
  TimePoint now_;
  TimePoint next_beat_{};
  bool stopped_ = false;
};

}  // namespace sluice
