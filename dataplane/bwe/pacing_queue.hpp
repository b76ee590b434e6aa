#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/bwe/send_history.hpp"
#include "shm/types/time.hpp"
#include "shm/types/units.hpp"

namespace sluice {

/// How much may leave now.
struct PacingQuantum {
  DataSize bytes;
  std::uint32_t packets = 0;
};

/// When packets of one subscriber may leave. One call per drain, not per packet, so that trains for UDP GSO survive: a real
/// pacer gives quanta of at most 5 ms or 16 packets.
class PacingPolicy {
 public:
  virtual ~PacingPolicy() = default;
  /// What may leave at `now`.
  [[nodiscard]] virtual PacingQuantum quantum(TimePoint now) noexcept = 0;
  virtual void on_sent(TimePoint now, DataSize size) noexcept = 0;
  /// When the next quantum may be had, given that something waits.
  [[nodiscard]] virtual TimePoint next_quantum(TimePoint now) const noexcept = 0;
};

/// Everything leaves at once.
class AtOncePolicy final : public PacingPolicy {
 public:
  [[nodiscard]] PacingQuantum quantum(TimePoint) noexcept override {
    return {{std::numeric_limits<std::int64_t>::max()}, std::numeric_limits<std::uint32_t>::max()};
  }
  void on_sent(TimePoint, DataSize) noexcept override {}
  [[nodiscard]] TimePoint next_quantum(TimePoint now) const noexcept override { return now; }
};

/// How many packets of each class may wait.
struct PacingLimits {
  std::size_t audio = 64;    ///< over a second of one talker
  std::size_t rtx = 256;     ///< one full NACK
  std::size_t video = 1024;  ///< a key frame burst of several streams
  std::size_t padding = 32;
};

/// The packets that wait to leave for one subscriber: audio before retransmissions before video before padding, in order
/// within a class. `Item` is what the caller sends (a buffer it owns, by value); it is moved, default-constructible, and all
/// room for it is allocated at construction.
///
/// Full: audio, rtx and padding drop their oldest (late is worthless); video refuses the newest (what it follows is on the
/// way).
template <typename Item>
class PacingQueue {
 public:
  /// `policy` outlives the queue.
  explicit PacingQueue(PacingPolicy& policy, const PacingLimits& limits = {}) : policy_(&policy) {
    classes_[0].slots.resize(limits.audio);
    classes_[1].slots.resize(limits.rtx);
    classes_[2].slots.resize(limits.video);
    classes_[3].slots.resize(limits.padding);
  }

  /// Takes the item, or gives back what had to go for want of room: the item itself (video) or an older one.
  std::optional<Item> push(SendClass send_class, DataSize size, Item item) noexcept {
    Ring& ring = classes_[static_cast<std::size_t>(send_class)];
    std::optional<Item> dropped;
    if (ring.count == ring.slots.size()) {
      ++dropped_total_;
      if (send_class == SendClass::video || ring.slots.empty()) return std::optional<Item>(std::move(item));
      dropped.emplace(ring.pop().item);
      --size_;
    }
    ring.push({std::move(item), size});
    ++size_;
    return dropped;
  }

  /// True when nothing waits and the policy lets a packet of `size` go now: it is then accounted for, and the caller sends
  /// it at once instead of pushing it and draining.
  [[nodiscard]] bool pass(TimePoint now, DataSize size) noexcept {
    if (size_ != 0) return false;
    const PacingQuantum left = policy_->quantum(now);
    if (left.packets == 0 || left.bytes.bytes <= 0) return false;
    policy_->on_sent(now, size);
    return true;
  }

  /// Hands over what the policy lets go now: `send(SendClass, DataSize, Item&&)` for each, in order. Returns how many.
  template <typename Send>
  std::size_t drain(TimePoint now, Send&& send) {
    if (size_ == 0) return 0;
    PacingQuantum left = policy_->quantum(now);
    std::size_t sent = 0;
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      Ring& ring = classes_[c];
      while (ring.count != 0) {
        // The last packet of a quantum may exceed it in bytes; the policy is told and makes up for it.
        if (left.packets == 0 || left.bytes.bytes <= 0) return sent;
        Waiting waiting = ring.pop();
        --size_;
        --left.packets;
        left.bytes.bytes -= waiting.size.bytes;
        policy_->on_sent(now, waiting.size);
        send(static_cast<SendClass>(c), waiting.size, std::move(waiting.item));
        ++sent;
      }
    }
    return sent;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::uint64_t dropped_total() const noexcept { return dropped_total_; }
  /// When drain() may send something; `never` when empty.
  [[nodiscard]] TimePoint next_deadline(TimePoint now) const noexcept {
    return size_ == 0 ? never : policy_->next_quantum(now);
  }

 private:
  struct Waiting {
    Item item{};
    DataSize size;
  };
  struct Ring {
    std::vector<Waiting> slots;
    std::size_t first = 0;
    std::size_t count = 0;
    void push(Waiting waiting) noexcept {
      slots[(first + count) % slots.size()] = std::move(waiting);
      ++count;
    }
    Waiting pop() noexcept {
      Waiting result = std::move(slots[first]);
      slots[first] = Waiting{};
      first = (first + 1) % slots.size();
      --count;
      return result;
    }
  };
  PacingPolicy* policy_;
  std::size_t size_ = 0;
  std::array<Ring, 4> classes_;  // by SendClass
  std::uint64_t dropped_total_ = 0;
};

}  // namespace sluice
