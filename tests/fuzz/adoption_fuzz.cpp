// uses: dataplane_worker sluice::srtp2 sluice::openssl
// A worker finds records and wishes in which anything may stand. Each input: how much media flows before (a byte, in
// datagrams of the list), then changes of the memory (table, place in it, value; ended by table 255), then the list of
// datagrams, as in worker_session_fuzz.
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/fuzz/support/session_rig.hpp"

namespace {

using namespace sluice;
using namespace sluice::sim;

MutableBytes table_of(WorkerMemory& memory, std::uint8_t table) {
  switch (table % 8) {
    case 0:
    case 1:
      return std::as_writable_bytes(std::span(memory.transports));
    case 2:
      return std::as_writable_bytes(std::span(memory.publications));
    case 3:
    case 4:
      return std::as_writable_bytes(std::span(memory.subscriptions));
    case 5:
      return std::as_writable_bytes(std::span(memory.note.get(), 1));
    case 6:
      return std::as_writable_bytes(std::span(&memory.live->transports.rows[0], 4));
    default:
      return memory.wish_region.bytes().first(16 * 1024);
  }
}

void change(WorkerMemory& memory, ByteReader& reader) {
  for (int i = 0; i < 256 && reader.remaining() >= 5; ++i) {
    const std::uint8_t table = reader.u8();
    if (table == 255) return;
    const MutableBytes bytes = table_of(memory, table);
    const std::size_t at = reader.u24() % bytes.size();
    bytes[at] = std::byte{reader.u8()};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  SessionRig rig;
  ByteReader reader(std::as_bytes(std::span(data, size)));
  const int before = reader.u8() % 16;
  for (int i = 0; i < before && rig.take_datagram(reader); ++i) {
  }
  change(rig.memory(), reader);
  auto log = StateLog::open(*Region::map(rig.memory().wish_region.fd(), Access::read_write));
  // As WorkerChannels does: a log that is refused or damaged is given up, with the records.
  if (!log || log->damaged()) return 0;
  rig.memory().wishes.emplace(std::move(*log));
  rig.begin_worker();
  for (int i = 0; i < 48 && rig.take_datagram(reader); ++i) {
  }
  rig.pass(std::chrono::seconds(1));
  rig.pass(std::chrono::seconds(40));
  return 0;
}
