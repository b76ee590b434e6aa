#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "shm/types/ids.hpp"

namespace sluice {

/// How loud a publication is, as its worker tells control (RFC 6464). One word, whole at any time.
struct Loudness {
  static constexpr std::uint8_t silence = 127;
  std::uint16_t incarnation = 0;  // low bits of the publication's
  std::uint8_t below = silence;   // smoothed, in -dBov: 0 is the loudest
  bool voice = false;             // the sender said so of the last packet
  std::uint32_t packets = 0;      // that carried a level: while it stands still nothing is said. Never 0 after the first
  friend constexpr bool operator==(const Loudness&, const Loudness&) = default;

  [[nodiscard]] constexpr std::uint64_t packed() const noexcept {
    return std::uint64_t{packets} << 32U | std::uint64_t{incarnation} << 16U | std::uint64_t{voice} << 8U | below;
  }
  /// Whatever another process wrote: every word is a level.
  [[nodiscard]] static constexpr Loudness unpack(std::uint64_t word) noexcept {
    return {static_cast<std::uint16_t>(word >> 16U), static_cast<std::uint8_t>(word & silence), (word >> 8U & 1U) != 0,
            static_cast<std::uint32_t>(word >> 32U)};
  }
};

/// Smooths the levels of one publication's packets: loudness counts within about 80 ms, silence within about 300 ms (at 20
/// ms a packet), so that pauses between words do not count. One writer.
class LoudnessMeter {
 public:
  /// `header` is the extension's byte: the V bit and the level. Publishes at `word` by a relaxed store.
  void on_packet(PublicationId id, std::uint8_t header, std::atomic<std::uint64_t>& word) noexcept {
    constexpr int attack = 2;  // powers of two: 1/4 of the way, and 1/16
    constexpr int release = 4;
    const std::int32_t loud = (Loudness::silence - (header & Loudness::silence)) << fraction_bits;
    const std::int32_t way = loud - loud_;
    // Rounded away from where it is, so that it arrives.
    loud_ += way > 0 ? (way + (1 << attack) - 1) >> attack : way >> release;
    if (++packets_ == 0) packets_ = 1;
    const Loudness level{static_cast<std::uint16_t>(id.incarnation),
                         static_cast<std::uint8_t>(Loudness::silence - (loud_ >> fraction_bits)), (header & voice_bit) != 0,
                         packets_};
    word.store(level.packed(), std::memory_order_relaxed);
  }

 private:
  static constexpr int fraction_bits = 8;
  static constexpr std::uint8_t voice_bit = 0x80;
  std::int32_t loud_ = 0;  // dB above silence, in 256ths
  std::uint32_t packets_ = 0;
};

}  // namespace sluice
