// uses: dataplane_packet
// The pairs of a generic NACK: expanded, written again, and expanded to the same.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <span>
#include <vector>

#include "dataplane/packet/rtcp_compound.hpp"
#include "dataplane/packet/rtcp_writer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const Nack nack({1}, {2}, std::as_bytes(std::span(data, size)));
  std::vector<SequenceNumber> lost;
  if (nack.for_each_lost([&](SequenceNumber number) { lost.push_back(number); }) > Nack::sequences_max) std::abort();
  std::array<std::byte, 1400> out;
  RtcpWriter writer(out);
  if (!writer.nack({1}, {2}, lost)) {
    if (!lost.empty()) std::abort();
    return 0;
  }
  std::multiset<std::uint16_t> expected;
  std::multiset<std::uint16_t> found;
  for (const SequenceNumber number : lost) expected.insert(number.value);
  const auto compound = RtcpCompound::parse(writer.written());
  if (!compound) std::abort();
  compound->for_each([&](const RtcpPacket& packet) {
    std::get<Nack>(packet).for_each_lost([&](SequenceNumber number) { found.insert(number.value); });
  });
  // Repetitions may be joined; nothing may be lost or invented.
  if (std::set<std::uint16_t>(expected.begin(), expected.end()) != std::set<std::uint16_t>(found.begin(), found.end()))
    std::abort();
  return 0;
}
