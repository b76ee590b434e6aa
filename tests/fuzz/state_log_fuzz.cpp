// uses: shm_state_log
// Random bytes where control's state log should be: the input overlays the prologue behind the header, and the front of
// both halves. Odd first byte: the record checksums are made right first, so that the fuzzer gets past them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "shm/state_log/state_log.hpp"

namespace {

using namespace sluice;

void make_checksums_right(std::byte* half, std::uint64_t size) {
  for (std::uint64_t at = 0; size - at >= sizeof(StateRecord);) {
    StateRecord record{};
    std::memcpy(&record, half + at, sizeof(record));
    if (record.key_bytes > size || record.value_bytes > size) return;
    const std::uint64_t footprint = StateRecord::footprint(record.key_bytes, record.value_bytes);
    if (footprint > size - at) return;
    const std::uint64_t sum = state_record_checksum(half + at, footprint);
    std::memcpy(half + at, &sum, sizeof(sum));
    at += footprint;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t region_bytes = 64 * 1024;
  static Region region = *Region::create("fuzz", region_bytes);
  if (!region.clear()) std::abort();
  if (!StateLog::format(*Region::map(region.fd(), Access::read_write))) std::abort();
  const bool repair = size != 0 && (data[0] & 1U) != 0;
  if (size != 0) {
    ++data;
    --size;
  }
  std::byte* const memory = region.bytes().data();
  const std::size_t prologue = std::min<std::size_t>(size, 24);  // active and the two tails
  if (prologue != 0) std::memcpy(memory + sizeof(SegmentHeader), data, prologue);
  const std::size_t rest = std::min<std::size_t>(size - prologue, 20'000);
  const std::uint64_t half_bytes = state_log_half_bytes(region_bytes);
  for (std::uint64_t half = 0; half < 2 && rest != 0; ++half) {
    std::byte* const start = memory + StateLogLayout::prologue_bytes + half * half_bytes;
    std::memcpy(start, data + prologue, rest);
    if (repair) make_checksums_right(start, half_bytes);
  }

  auto log = StateLog::open(*Region::map(region.fd(), Access::read_write));
  if (!log) return 0;
  std::size_t entries = 0;
  log->for_each([&](std::string_view key, Bytes value) {
    ++entries;
    if (key.size() > StateLogLimits::key_bytes || value.size() > half_bytes) std::abort();
    volatile std::byte last = value.empty() ? std::byte{0} : value.back();
    (void)last;
  });
  if (entries != log->size()) std::abort();
  // Whatever was there: what is written now is found by the next one to open it.
  if (!log->put("key", as_bytes("value"))) return 0;
  log->erase("other");
  const auto again = StateLog::open(*Region::map(region.fd(), Access::read_write));
  if (!again || again->damaged() || again->size() != log->size() || !again->get("key")) std::abort();
  return 0;
}
