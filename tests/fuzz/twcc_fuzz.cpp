// uses: dataplane_packet
// The body of a transport-wide feedback: parsed, written again as far as the writer goes, and read back to the same.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "dataplane/packet/rtcp_writer.hpp"
#include "dataplane/packet/transport_feedback.hpp"

namespace {

struct Arrival {
  std::uint16_t number;
  std::int64_t ticks;
  bool operator==(const Arrival&) const = default;
};

std::vector<Arrival> arrivals_of(const sluice::TransportFeedback& feedback) {
  std::vector<Arrival> arrivals;
  std::int64_t ticks = std::int64_t{feedback.reference_time_64ms} * 256;
  std::size_t told = 0;
  feedback.for_each([&](const sluice::PacketStatus& status) {
    ++told;
    if (!status.received) return;
    ticks += status.delta_ticks;
    arrivals.push_back({status.sequence_number.value, ticks});
  });
  if (told != feedback.status_count) std::abort();
  return arrivals;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const auto feedback = TransportFeedback::parse({1}, {2}, std::as_bytes(std::span(data, size)));
  if (!feedback) return 0;
  std::vector<Arrival> expected = arrivals_of(*feedback);
  if (expected.empty()) return 0;
  const auto time_of = [](std::int64_t ticks) { return TimePoint(TransportFeedback::tick * ticks); };
  TransportFeedbackWriter writer;
  writer.begin({expected[0].number}, time_of(expected[0].ticks), feedback->feedback_count);
  std::size_t taken = 0;
  while (taken < expected.size() && writer.add({expected[taken].number}, time_of(expected[taken].ticks))) ++taken;
  expected.resize(taken);
  std::array<std::byte, TransportFeedbackWriter::body_size_max> body;
  ByteWriter out(body);
  writer.write_body(out);
  if (!out.ok()) std::abort();
  const auto again = TransportFeedback::parse({1}, {2}, out.written());
  if (!again) std::abort();
  std::vector<Arrival> found = arrivals_of(*again);
  // The reference time wraps at 24 bits of 64 ms.
  constexpr std::int64_t wrap = std::int64_t{1} << 32U;
  if (found.size() != expected.size()) std::abort();
  for (std::size_t i = 0; i < found.size(); ++i)
    if (found[i].number != expected[i].number || (found[i].ticks - expected[i].ticks) % wrap != 0) std::abort();
  return 0;
}
