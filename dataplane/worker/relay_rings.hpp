#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/worker/message_sinks.hpp"
#include "shm/channel/relay_segment.hpp"
#include "shm/descriptors/descriptor_set.hpp"
#include "shm/ring/doorbell.hpp"
#include "shm/ring/ring_consumer.hpp"
#include "shm/ring/ring_producer.hpp"

namespace sluice {

/// The rings between this worker and all others. What comes in is not trusted: the ring's consumer checks indices and
/// lengths, the core the messages.
class RelayRings final : public RelaySink {
 public:
  /// Attaches "relay.SELF.J" and "relay.J.SELF" for every J that both are given of, with "doorbell.worker.J". Throws
  /// std::runtime_error when one is not a relay segment.
  RelayRings(const DescriptorSet& descriptors, std::uint16_t self);

  bool push(WorkerId to, Bytes message) noexcept override;
  /// Rings for what was pushed since the last time; once per turn.
  void wake() noexcept;

  struct Received {
    WorkerId from;
    MutableBytes message;  ///< until the next receive()
  };
  /// The next message, from each worker in turn; nothing when there is none. Long or torn ones are counted and left out.
  [[nodiscard]] std::optional<Received> receive() noexcept;
  [[nodiscard]] bool prepare_to_sleep() noexcept;
  void wake_up() noexcept;
  /// One more than the highest number of a worker that we know; at least our own and one.
  [[nodiscard]] std::uint16_t workers() const noexcept { return workers_; }
  [[nodiscard]] std::uint64_t faults() const noexcept { return faults_; }

 private:
  /// A record of a subscription or transport is some KiB, a list of spent SSRCs at most 32.
  static constexpr std::size_t message_max = std::size_t{64} << 10U;
  struct Way {
    WorkerId other;
    RelaySegment to;
    RelaySegment from;
    RingProducer producer;
    RingConsumer consumer;
    Doorbell bell;
    bool unrung = true;  // a predecessor may have died between pushing and ringing
  };
  std::vector<std::unique_ptr<Way>> ways_;
  std::size_t turn_ = 0;
  std::uint16_t workers_;
  std::uint64_t faults_ = 0;
  std::unique_ptr<std::array<std::byte, message_max>> buffer_;
};

}  // namespace sluice
