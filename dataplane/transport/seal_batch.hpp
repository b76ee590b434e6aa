#pragma once

#include <array>
#include <cstddef>

#include "dataplane/memory/datagram_sink.hpp"
#include "dataplane/srtp/srtp_backend.hpp"
#include "shm/counters/counter_block.hpp"

namespace sluice {

/// Collects the packets that one incoming packet (or one NACK) causes for all subscribers, and seals them in one call, each
/// out of place from the one plaintext into a buffer of the sink. Whoever adds packets sees to it that flush() comes before
/// their payload goes away.
class SealBatch {
 public:
  /// Enough for the multi-buffer backends (16 and more), little enough to stay in the cache.
  static constexpr std::size_t packets_max = 64;

  SealBatch(SrtpBackend& backend, DatagramSink& sink, CounterBlock& counters) noexcept
      : backend_(backend), sink_(sink), counters_(counters) {}

  /// Where header and prefix of the next packet are written.
  struct Slot {
    Tuple to;
    PacketBuffer buffer;
    std::array<std::byte, 160> header;
    std::array<std::byte, 16> prefix;
  };
  /// Null (and counted) when the sink has no buffer. Flushes first if the batch is full.
  [[nodiscard]] Slot* begin(const Tuple& to) noexcept;
  /// The slot that begin() gave last is complete. `payload` is borrowed until flush().
  void commit(SealTicket ticket, std::size_t header_size, std::size_t prefix_size, Bytes payload) noexcept;
  /// Seals and sends everything.
  void flush() noexcept;

 private:
  SrtpBackend& backend_;
  DatagramSink& sink_;
  CounterBlock& counters_;
  std::array<Slot, packets_max> slots_;
  std::array<SealJob, packets_max> jobs_;
  std::size_t count_ = 0;
};

}  // namespace sluice
