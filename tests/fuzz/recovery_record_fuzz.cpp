// uses: shm_region
// Bytes that a dying or hostile process left where a durable record should be.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "shm/region/durable_record.hpp"
#include "shm/region/seqlock_row.hpp"

namespace {

struct Values {
  std::uint64_t numbers[5];
  std::uint8_t last;
};

template <typename Record>
Record& placed(std::byte* memory, const std::uint8_t* data, std::size_t size) {
  std::memset(memory, 0, sizeof(Record));
  if (size != 0) std::memcpy(memory, data, std::min(size, sizeof(Record)));
  return *std::launder(reinterpret_cast<Record*>(memory));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  alignas(8) std::byte memory[sizeof(DurableRecord<Values>)];
  auto& record = placed<DurableRecord<Values>>(memory, data, size);
  (void)record.read();
  record.write(Values{{1, 2, 3, 4, 5}, 6});
  const auto read = record.read();
  if (!read || read->last != 6) std::abort();

  alignas(8) std::byte row_memory[sizeof(SeqlockRow<Values>)];
  auto& row = placed<SeqlockRow<Values>>(row_memory, data, size);
  (void)row.read();
  row.write(Values{{1, 2, 3, 4, 5}, 6});
  const auto seen = row.read();
  if (!seen || seen->last != 6) std::abort();
  return 0;
}
