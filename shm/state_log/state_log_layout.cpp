#include "shm/state_log/state_log_layout.hpp"

#include <cstring>

#include "shm/region/word_array.hpp"

namespace sluice {

SegmentIdentity state_log_identity(std::size_t region_bytes) noexcept {
  constexpr std::uint64_t hash = layout_hash(
      sizeof(StateLogLayout),
      {SLUICE_SPAN(StateLogLayout, header), SLUICE_SPAN(StateLogLayout, active), SLUICE_SPAN(StateLogLayout, tails)},
      {layout_hash(sizeof(StateRecord),
                   {SLUICE_SPAN(StateRecord, checksum), SLUICE_SPAN(StateRecord, kind), SLUICE_SPAN(StateRecord, key_bytes),
                    SLUICE_SPAN(StateRecord, value_bytes), SLUICE_SPAN(StateRecord, reserved)})});
  return {SegmentKind::control_state, 1, 0, hash, region_bytes};
}

void copy_state_record(std::byte* place, StateRecord::Kind kind, std::string_view key, Bytes value) noexcept {
  const StateRecord record{0, kind, static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size()), 0};
  const std::uint64_t footprint = StateRecord::footprint(key.size(), value.size());
  std::memset(place + footprint - 8, 0, 8);  // the padding; what is not padding is overwritten below
  std::memcpy(place, &record, sizeof(record));
  if (!key.empty()) std::memcpy(place + sizeof(record), key.data(), key.size());
  if (!value.empty()) std::memcpy(place + StateRecord::value_offset(key.size()), value.data(), value.size());
  const std::uint64_t sum = state_record_checksum(place, footprint);
  std::memcpy(place, &sum, sizeof(sum));
}

std::uint64_t state_record_checksum(const std::byte* place, std::uint64_t footprint) noexcept {
  std::uint64_t sum = footprint;
  for (std::uint64_t i = sizeof(std::uint64_t); i < footprint; i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, place + i, sizeof(word));
    sum = mix_checksum(sum, word);
  }
  return sum;
}

}  // namespace sluice
