#pragma once

#include <cstdint>
#include <type_traits>

#include "shm/types/time.hpp"

namespace sluice {

/// Key-frame requests to one layer of a publisher; survives. All-zero: nothing asked.
struct KeyFrameRequesterState {
  TimePoint last_request;
  TimePoint last_key_frame;    ///< arrival of the newest; time zero: none came
  std::uint64_t requests = 0;  ///< sent
  std::uint64_t merged = 0;    ///< wishes that did not cause a request of their own
  bool asked = false;          ///< last_request is set
  bool wanted = false;         ///< no key frame came since the last wish
  std::uint8_t reserved[6] = {};
};
static_assert(std::is_standard_layout_v<KeyFrameRequesterState> && std::is_trivially_copyable_v<KeyFrameRequesterState>);

/// Turns the wishes of many subscribers into few PLIs to one publisher layer: the first goes at once, those within 500 ms
/// after a request merge into the next, and while no key frame comes the request is repeated every 500 ms.
class KeyFrameRequester {
 public:
  /// Long enough for a request, an encode and the way back, short enough that a lost PLI is not noticed as a freeze.
  static constexpr Duration interval = std::chrono::milliseconds(500);

  explicit KeyFrameRequester(KeyFrameRequesterState& state) noexcept : state_(&state) {}

  /// Someone needs a key frame.
  void want(TimePoint now) noexcept;
  /// The first packet of a key frame of this layer arrived.
  void on_key_frame(TimePoint now) noexcept;
  /// Nobody wants it any more (the layer ended, its subscribers left).
  void cancel() noexcept;
  /// True when a PLI must go out now; counts it as sent.
  [[nodiscard]] bool poll(TimePoint now) noexcept;
  [[nodiscard]] TimePoint next_deadline() const noexcept;
  [[nodiscard]] bool wanted() const noexcept { return state_->wanted; }

 private:
  KeyFrameRequesterState* state_;
};

/// Survives. All-zero: nothing accepted yet.
struct KeyFrameLimiterState {
  TimePoint last_accepted;
  std::uint64_t refused = 0;
  bool accepted_any = false;
  std::uint8_t reserved[7] = {};
};
static_assert(std::is_standard_layout_v<KeyFrameLimiterState> && std::is_trivially_copyable_v<KeyFrameLimiterState>);

/// One subscription's right to ask: one PLI or FIR a second is heard, the rest is dropped. Our own switching is not limited
/// by it.
class KeyFrameLimiter {
 public:
  static constexpr Duration interval = std::chrono::seconds(1);
  explicit KeyFrameLimiter(KeyFrameLimiterState& state) noexcept : state_(&state) {}
  [[nodiscard]] bool accept(TimePoint now) noexcept;

 private:
  KeyFrameLimiterState* state_;
};

}  // namespace sluice
