#include "shm/state_log/state_log.hpp"

#include <cstring>
#include <new>

namespace sluice {

Result<StateLog, RegionError> StateLog::open(Region region) {
  constexpr std::size_t size_min = std::size_t{64} << 10U;
  const std::size_t size = region.bytes().size();
  if (size < size_min) return unexpected(RegionError{RegionFault::too_small, 0, size, size_min});
  StateLog log(std::move(region));
  if (segment_is_unready(log.layout().header)) return format(std::move(log.region_));
  if (auto checked = check_segment(std::as_const(log.region_).bytes(), state_log_identity(size)); !checked) {
    return unexpected(checked.error());
  }
  const std::uint64_t active = log.layout().active.load(std::memory_order_acquire);
  if (active > 1) return unexpected(RegionError{RegionFault::corrupt, 0, active, 1});
  log.active_ = active;
  const std::uint64_t tail = log.layout().tails[active].load(std::memory_order_acquire);
  if (tail > log.half_bytes_ || tail % 8 != 0)
    return unexpected(RegionError{RegionFault::corrupt, 0, tail, log.half_bytes_});
  log.load(tail);
  return log;
}

Result<StateLog, RegionError> StateLog::format(Region region) {
  StateLog log(std::move(region));
  if (auto cleared = log.region_.clear(); !cleared) return unexpected(cleared.error());
  describe_segment(log.layout().header, state_log_identity(log.region_.bytes().size()), 1);
  publish_segment(log.layout().header);
  return log;
}

StateLog::StateLog(Region region) noexcept
    : region_(std::move(region)), half_bytes_(state_log_half_bytes(region_.bytes().size())) {}

StateLogLayout& StateLog::layout() noexcept {
  return *std::launder(reinterpret_cast<StateLogLayout*>(region_.bytes().data()));
}

std::byte* StateLog::half(std::uint64_t which) noexcept {
  return region_.bytes().data() + StateLogLayout::prologue_bytes + which * half_bytes_;
}
const std::byte* StateLog::half(std::uint64_t which) const noexcept {
  return region_.bytes().data() + StateLogLayout::prologue_bytes + which * half_bytes_;
}

Bytes StateLog::value_of(const Entry& entry) const noexcept {
  return {half(active_) + entry.at + StateRecord::value_offset(entry.key_bytes), entry.value_bytes};
}

void StateLog::load(std::uint64_t tail) {
  std::uint64_t at = 0;
  while (at < tail) {
    const std::uint64_t next = load_record(at, tail);
    if (next == at) {
      damaged_ = true;
      break;
    }
    at = next;
  }
  tail_ = at;
  for (const auto& [key, entry] : entries_) live_bytes_ += entry.footprint();
}

std::uint64_t StateLog::load_record(std::uint64_t at, std::uint64_t tail) {
  const std::byte* const place = half(active_) + at;
  StateRecord record{};
  if (tail - at < sizeof(record)) return at;
  std::memcpy(&record, place, sizeof(record));
  if (record.key_bytes > StateLogLimits::key_bytes || record.value_bytes > StateLogLimits::value_bytes) return at;
  const std::uint64_t footprint = StateRecord::footprint(record.key_bytes, record.value_bytes);
  if (footprint > tail - at || state_record_checksum(place, footprint) != record.checksum) return at;
  const std::string_view key = as_text(Bytes(place + sizeof(record), record.key_bytes));
  switch (record.kind) {
    case StateRecord::Kind::put:
      entries_.insert_or_assign(std::string(key), Entry{at, record.key_bytes, record.value_bytes});
      return at + footprint;
    case StateRecord::Kind::erase:
      if (const auto known = entries_.find(key); known != entries_.end()) entries_.erase(known);
      return at + footprint;
  }
  return at;
}

std::uint64_t StateLog::freed_by(const StateChange& change) const noexcept {
  const auto known = entries_.find(change.key);
  return known == entries_.end() ? 0 : known->second.footprint();
}

std::optional<Bytes> StateLog::get(std::string_view key) const {
  const auto known = entries_.find(key);
  if (known == entries_.end()) return std::nullopt;
  return value_of(known->second);
}

void StateLog::for_each(std::string_view prefix, const std::function<void(std::string_view, Bytes)>& visit) const {
  for (auto entry = entries_.lower_bound(prefix); entry != entries_.end() && entry->first.starts_with(prefix); ++entry) {
    visit(entry->first, value_of(entry->second));
  }
}

}  // namespace sluice
