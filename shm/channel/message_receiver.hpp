#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "shm/channel/message_rules.hpp"
#include "shm/ring/doorbell.hpp"
#include "shm/ring/ring_consumer.hpp"

namespace sluice {

/// What a receiver refused.
struct ReceiveCounts {
  std::uint64_t received = 0;
  std::uint64_t refused = 0;      // the verifier, an unknown union member, an enum or size out of range, or over 64 KiB
  std::uint64_t ring_faults = 0;  // impossible indices or lengths; what was in the ring is lost
};

/// Receives messages of one family from one ring: copies each into private memory, verifies the copy, hands it out. One per
/// ring and process; borrows the segment that holds the ring.
template <typename Family>
class MessageReceiver {
 public:
  using Root = typename Family::Root;

  /// `doorbell` is the one that the sender rings.
  MessageReceiver(RingView ring, Doorbell doorbell)
      : consumer_(ring), doorbell_(std::move(doorbell)), buffer_(std::make_unique<Buffer>()) {}

  /// The next good message, or null when there is none now. It lives until the next call. Refused ones are counted and
  /// passed over, at most 16 in one call, so that a hostile sender cannot hold the caller; prepare_to_sleep() then says
  /// that there is more.
  [[nodiscard]] const Root* receive() noexcept {
    for (unsigned refusals = 0; refusals < 16; ++refusals) {
      const auto popped = consumer_.try_pop(buffer_->bytes);
      if (!popped) {
        ++(popped.error() == RingError::corrupt ? counts_.ring_faults : counts_.refused);
        continue;
      }
      if (!*popped) return nullptr;
      if (const Root* root = Family::verified(Bytes(buffer_->bytes).first(**popped))) {
        ++counts_.received;
        return root;
      }
      ++counts_.refused;
    }
    return nullptr;
  }

  /// Before waiting for doorbell_fd(). False: there is more to receive, do not wait.
  [[nodiscard]] bool prepare_to_sleep() noexcept { return consumer_.prepare_to_sleep(); }
  /// After waiting, whatever ended it.
  void wake_up() noexcept {
    consumer_.wake_up();
    doorbell_.silence();
  }
  /// To be polled for reading; stays owned by the receiver.
  [[nodiscard]] int doorbell_fd() const noexcept { return doorbell_.fd(); }
  [[nodiscard]] const ReceiveCounts& counts() const noexcept { return counts_; }

 private:
  struct Buffer {
    alignas(16) std::array<std::byte, MessageLimits::bytes> bytes;
  };
  RingConsumer consumer_;
  Doorbell doorbell_;
  std::unique_ptr<Buffer> buffer_;
  ReceiveCounts counts_;
};

using CommandReceiver = MessageReceiver<CommandFamily>;
using EventReceiver = MessageReceiver<EventFamily>;
using HandshakeReceiver = MessageReceiver<HandshakeFamily>;

}  // namespace sluice
