// uses: dataplane_bwe
// A receiver's transport-wide feedback into the history of what was sent to it: whatever it claims, only packets that were
// sent are judged, each at most once as lost and once as arrived, and the bytes in flight never go below zero. Input: chunks
// of one length byte and that many bytes; even chunks send packets, odd ones are a feedback body.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/bwe/send_history.hpp"
#include "tests/fuzz/support/require.hpp"

using sluice::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  SendHistoryState state;
  if (size > 0) state.next = {data[0] * 1000};
  const std::int64_t first = state.next.value;
  SendHistory history(state, 256);
  std::vector<std::uint8_t> judged;  // 1: lost, 2: arrived
  std::array<PacketResult, 64> results{};
  TimePoint now{std::chrono::seconds(1000)};
  std::size_t at = 1;
  bool sends = true;
  while (at < size) {
    const std::size_t length = std::min<std::size_t>(data[at], size - at - 1);
    const std::span<const std::uint8_t> chunk(data + at + 1, length);
    at += 1 + length;
    now += std::chrono::milliseconds(length);
    if (sends) {
      for (const std::uint8_t byte : chunk) {
        const auto sequence = history.claim();
        if (byte % 8 != 0) history.on_sent(now, sequence, {byte * 6}, static_cast<SendClass>(byte % 4));
        judged.push_back(byte % 8 != 0 ? 0 : 3);
      }
    } else if (const auto feedback = TransportFeedback::parse({1}, {2}, std::as_bytes(chunk))) {
      const std::size_t count = history.on_feedback(now, *feedback, results);
      require(count <= results.size());
      for (const PacketResult& result : std::span(results).first(count)) {
        const auto index = static_cast<std::size_t>(result.sequence.value - first);
        require(index < judged.size());
        const std::uint8_t verdict = result.arrived ? 2 : 1;
        require(judged[index] < verdict);
        judged[index] = verdict;
      }
    }
    sends = !sends;
    require(history.in_flight().bytes >= 0);
    const DeliveryRates rates = history.rates(now);
    require(rates.loss >= 0 && rates.loss <= 1 && rates.acknowledged.bits_per_second >= 0);
  }
  return 0;
}
