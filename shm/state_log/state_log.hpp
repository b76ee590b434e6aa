#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "shm/region/publication_step.hpp"
#include "shm/region/region.hpp"
#include "shm/state_log/state_log_layout.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/result.hpp"

namespace sluice {

enum class StateLogError : std::uint8_t {
  full,       // live state would take more than seven eighths of a half; nothing has changed
  too_large,  // key empty, or key or value over StateLogLimits; nothing has changed
};

/// One change of a batch; borrowed for the call.
struct StateChange {
  std::string_view key;
  std::optional<Bytes> value;  // nothing: forget the key
};

struct StateLogLimits {
  static constexpr std::size_t region_bytes = std::size_t{64} << 20U;  // default size of the control-state region
  static constexpr std::size_t key_bytes = 1024;
  static constexpr std::size_t value_bytes = std::size_t{1} << 20U;
};

/// A process's memory across its own death: key -> bytes in a region that the supervisor holds. One process writes; when it
/// dies at any instruction, its successor opens the region and finds every completed put, erase and apply, and the
/// interrupted one wholly or not at all. Nothing here touches a disk: a reboot forgets it.
///
/// The region is two halves; one is active. A change is a record appended behind the tail of the active half and published
/// by one release store of the tail. When the half is full, live records are copied into the other half, which then becomes
/// active by one release store.
class StateLog {
 public:
  /// Opens what lies in `region` (mapped read-write, at least 64 KiB), or formats it when it was never ready. Records that
  /// fail their checksum end the log there; damaged() tells.
  [[nodiscard]] static Result<StateLog, RegionError> open(Region region);

  /// Empties `region` and opens it: for a caller that gives up on what open() refused.
  [[nodiscard]] static Result<StateLog, RegionError> format(Region region);

  /// Sets `key` to `value`. A few hundred nanoseconds, except when it must compact (milliseconds per 10 MB of live state).
  template <typename Step = NoSteps>
  Result<void, StateLogError> put(std::string_view key, Bytes value, Step step = {}) {
    const StateChange change{key, value};
    return apply(std::span(&change, 1), step);
  }
  /// Forgets `key`; true if it was there. Always succeeds: it needs no room that compaction would not give.
  template <typename Step = NoSteps>
  bool erase(std::string_view key, Step step = {}) {
    if (!entries_.contains(key)) return false;
    const StateChange change{key, std::nullopt};
    return static_cast<bool>(apply(std::span(&change, 1), step));
  }
  /// All of `changes`, or after an error or a death in between none of them. Each key may be there once; forgetting an
  /// unknown key is nothing. A batch that only forgets always succeeds.
  template <typename Step = NoSteps>
  Result<void, StateLogError> apply(std::span<const StateChange> changes, Step step = {});

  /// Borrowed from the region until the next put or erase.
  [[nodiscard]] std::optional<Bytes> get(std::string_view key) const;
  /// Calls `visit(key, value)` for every key that begins with `prefix`, in order of keys. `visit` must not change the log.
  void for_each(std::string_view prefix, const std::function<void(std::string_view, Bytes)>& visit) const;
  void for_each(const std::function<void(std::string_view, Bytes)>& visit) const { for_each({}, visit); }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// Bytes that live records take, and how many they may.
  [[nodiscard]] std::size_t live_bytes() const noexcept { return static_cast<std::size_t>(live_bytes_); }
  [[nodiscard]] std::size_t capacity_bytes() const noexcept {
    return static_cast<std::size_t>(half_bytes_ - half_bytes_ / 8);
  }
  /// Compactions since it was opened.
  [[nodiscard]] std::uint64_t compactions() const noexcept { return compactions_; }
  /// True when a record failed its checksum at opening, so what followed it was lost.
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }
  [[nodiscard]] int fd() const noexcept { return region_.fd(); }

 private:
  struct Entry {
    std::uint64_t at = 0;  // of its record, from the start of the active half
    std::uint32_t key_bytes = 0;
    std::uint32_t value_bytes = 0;
    [[nodiscard]] std::uint64_t footprint() const noexcept { return StateRecord::footprint(key_bytes, value_bytes); }
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  explicit StateLog(Region region) noexcept;
  [[nodiscard]] StateLogLayout& layout() noexcept;
  [[nodiscard]] std::byte* half(std::uint64_t which) noexcept;
  [[nodiscard]] const std::byte* half(std::uint64_t which) const noexcept;
  // Builds entries_ from the active half.
  void load(std::uint64_t tail);
  // Takes in one record; returns the place behind it, or `at` when it is not a good one.
  std::uint64_t load_record(std::uint64_t at, std::uint64_t tail);
  [[nodiscard]] Bytes value_of(const Entry& entry) const noexcept;
  [[nodiscard]] bool fits(std::uint64_t footprint) const noexcept { return footprint <= half_bytes_ - tail_; }

  // Writes a record at `at` of half `which` without publishing it; returns the place behind it.
  template <typename Step>
  std::uint64_t write_record(std::uint64_t which, std::uint64_t at, StateRecord::Kind kind, std::string_view key,
                             Bytes value, Step& step);
  template <typename Step>
  void publish_tail(std::uint64_t tail, Step& step);
  // Moves all entries but those of `changes` into the other half, adds what `changes` put, and makes that half active: the
  // changes that found no room happen in the same flip.
  template <typename Step>
  void compact(std::span<const StateChange> changes, Step& step);
  [[nodiscard]] std::uint64_t freed_by(const StateChange& change) const noexcept;

  Region region_;
  std::uint64_t half_bytes_ = 0;
  std::uint64_t active_ = 0;  // 0 or 1
  std::uint64_t tail_ = 0;
  std::uint64_t live_bytes_ = 0;
  std::uint64_t compactions_ = 0;
  bool damaged_ = false;
  Entries entries_;
};

template <typename Step>
Result<void, StateLogError> StateLog::apply(std::span<const StateChange> changes, Step step) {
  std::uint64_t live = live_bytes_;
  std::uint64_t needed = 0;
  bool puts = false;
  for (const StateChange& change : changes) {
    const std::uint64_t freed = freed_by(change);
    live -= freed;
    if (!change.value) {
      if (freed != 0) needed += StateRecord::footprint(change.key.size(), 0);
      continue;
    }
    if (change.key.empty() || change.key.size() > StateLogLimits::key_bytes ||
        change.value->size() > StateLogLimits::value_bytes) {
      return unexpected(StateLogError::too_large);
    }
    const std::uint64_t footprint = StateRecord::footprint(change.key.size(), change.value->size());
    live += footprint;
    needed += footprint;
    puts = true;
  }
  if (puts && live > capacity_bytes()) return unexpected(StateLogError::full);
  if (needed == 0) return {};
  if (!fits(needed)) {
    compact(changes, step);
    return {};
  }
  // Nothing behind the publication allocates: a failed allocation leaves log and index equal.
  Entries fresh;
  std::uint64_t tail = tail_;
  for (const StateChange& change : changes) {
    if (!change.value) {
      if (freed_by(change) != 0) tail = write_record(active_, tail, StateRecord::Kind::erase, change.key, {}, step);
      continue;
    }
    fresh.insert_or_assign(std::string(change.key), Entry{tail, static_cast<std::uint32_t>(change.key.size()),
                                                          static_cast<std::uint32_t>(change.value->size())});
    tail = write_record(active_, tail, StateRecord::Kind::put, change.key, *change.value, step);
  }
  publish_tail(tail, step);
  live_bytes_ = live;
  for (const StateChange& change : changes) {
    if (const auto known = entries_.find(change.key); known != entries_.end()) entries_.erase(known);
  }
  entries_.merge(fresh);
  return {};
}

template <typename Step>
std::uint64_t StateLog::write_record(std::uint64_t which, std::uint64_t at, StateRecord::Kind kind, std::string_view key,
                                     Bytes value, Step& step) {
  std::byte* const place = half(which) + at;
  copy_state_record(place, kind, key, value);
  step();
  return at + StateRecord::footprint(key.size(), value.size());
}

template <typename Step>
void StateLog::publish_tail(std::uint64_t tail, Step& step) {
  layout().tails[active_].store(tail, std::memory_order_release);
  step();
  tail_ = tail;
}

template <typename Step>
void StateLog::compact(std::span<const StateChange> changes, Step& step) {
  const std::uint64_t target = 1 - active_;
  Entries moved;
  std::uint64_t tail = 0;
  const auto move_in = [&](std::string_view name, Bytes held) {
    const std::uint64_t next = write_record(target, tail, StateRecord::Kind::put, name, held, step);
    moved.insert_or_assign(std::string(name),
                           Entry{tail, static_cast<std::uint32_t>(name.size()), static_cast<std::uint32_t>(held.size())});
    tail = next;
  };
  std::set<std::string_view> changed;
  for (const StateChange& change : changes) changed.insert(change.key);
  for (const auto& [name, entry] : entries_) {
    if (!changed.contains(name)) move_in(name, value_of(entry));
  }
  for (const StateChange& change : changes) {
    if (change.value) move_in(change.key, *change.value);
  }
  layout().tails[target].store(tail, std::memory_order_release);
  step();
  layout().active.store(target, std::memory_order_release);  // the flip
  step();
  active_ = target;
  tail_ = tail;
  live_bytes_ = tail;
  entries_ = std::move(moved);
  ++compactions_;
}

}  // namespace sluice
