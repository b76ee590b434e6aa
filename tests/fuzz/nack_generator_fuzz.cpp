// uses: dataplane_rtp
// Any order of arriving numbers, as a publisher may send them, through extension and NACK generator: the list stays within
// its bound, requests are ascending and close behind the highest, and an empty list has no deadline. Input: four bytes each,
// two of sequence number, one of time, one that chooses between packet, repair, key frame and resync.
#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/rtp/nack_generator.hpp"
#include "dataplane/rtp/receive_statistics.hpp"
#include "tests/fuzz/support/require.hpp"

using sluice::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  ReceiveStatisticsState state;
  ReceiveStatistics statistics(state, 90'000);
  NackGenerator nack;
  std::array<SequenceNumber, 256> lost{};
  TimePoint now{std::chrono::seconds(1000)};
  for (std::size_t at = 0; at + 4 <= size; at += 4) {
    const SequenceNumber wire{static_cast<std::uint16_t>(data[at] << 8U | data[at + 1])};
    now += std::chrono::milliseconds(data[at + 2]);
    const std::uint8_t choice = data[at + 3];
    const ExtendedSequenceNumber before = statistics.highest();
    const Arrival arrival =
        choice % 4 == 1 ? statistics.on_repair(wire) : statistics.on_packet(now, wire, choice * 1000U, choice);
    if (arrival.usable()) {
      if (arrival.kind == ArrivalKind::resynced) nack.reset();
      require(statistics.highest() >= before);
      nack.on_packet(now, arrival.sequence);
      if (choice % 16 == 2) nack.forget_before(arrival.sequence);
    }
    if (choice % 8 == 3) nack.set_rtt(std::chrono::milliseconds(choice));
    require(nack.missing() <= 1000);
    const std::size_t count = nack.poll(now, lost);
    for (std::size_t i = 1; i < count; ++i) {
      require(static_cast<std::uint16_t>(lost[i].value - lost[i - 1].value) <= 1000);
    }
    for (std::size_t i = 0; i < count; ++i) {
      require(static_cast<std::uint16_t>(statistics.highest().on_wire().value - lost[i].value) <= 1000);
    }
    if (nack.missing() == 0) require(nack.next_deadline() == never);
    (void)nack.take_key_frame_needed();
    if (choice % 32 == 5) (void)statistics.report(now, {1});
  }
  return 0;
}
