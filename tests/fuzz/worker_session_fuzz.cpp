// uses: dataplane_worker sluice::srtp2 sluice::openssl
// An authenticated peer that says anything: RTP and RTCP are mutated in the clear and then protected, so they pass SRTP and
// reach the parsers and machines behind it. Each input is a list of datagrams: kind, length, bytes.
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/fuzz/support/session_rig.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::sim::SessionRig rig;
  sluice::ByteReader reader(std::as_bytes(std::span(data, size)));
  for (int i = 0; i < 64 && rig.take_datagram(reader); ++i) {
  }
  return 0;
}
