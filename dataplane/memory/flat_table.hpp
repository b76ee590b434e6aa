#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace sluice {

/// A hash table in one array: open addressing with linear probing at a load of at most one half, deletion by moving later
/// entries back (no tombstones, so it never decays). Capacity is set at construction, its only allocation. Full policy:
/// the newest key is refused. Keys that a peer may choose (an SSRC) are mixed with `seed`: give each table a random one,
/// and nobody outside can aim for one bucket. Key and Value are default-constructible and movable.
template <typename Key, typename Value, typename Hash = std::hash<Key>>
class FlatTable {
 public:
  explicit FlatTable(std::size_t capacity, std::uint64_t seed = 0x9e3779b97f4a7c15U)
      : places_(std::bit_ceil(capacity < 2 ? std::size_t{4} : capacity * 2)), capacity_(capacity), seed_(seed) {}

  /// The value of `key`, or nullptr. Valid until the next insertion or removal.
  [[nodiscard]] Value* find(const Key& key) noexcept {
    const std::size_t at = locate(key);
    return places_[at].used ? &places_[at].value : nullptr;
  }
  [[nodiscard]] const Value* find(const Key& key) const noexcept {
    const std::size_t at = locate(key);
    return places_[at].used ? &places_[at].value : nullptr;
  }
  [[nodiscard]] bool contains(const Key& key) const noexcept { return places_[locate(key)].used; }

  /// Sets the value of `key`; nullptr, and nothing changed, when the key is new and the table is full.
  Value* insert_or_assign(const Key& key, Value value) noexcept {
    Value* place = find_or_insert(key);
    if (place != nullptr) *place = std::move(value);
    return place;
  }
  /// The value of `key`, made as Value{} when it is new; nullptr when it is new and the table is full.
  [[nodiscard]] Value* find_or_insert(const Key& key) noexcept {
    const std::size_t at = locate(key);
    if (!places_[at].used) {
      if (size_ == capacity_) return nullptr;
      places_[at].key = key;
      places_[at].used = true;
      ++size_;
    }
    return &places_[at].value;
  }

  /// Whether the key was there.
  bool erase(const Key& key) noexcept {
    std::size_t hole = locate(key);
    if (!places_[hole].used) return false;
    const std::size_t mask = places_.size() - 1;
    for (std::size_t next = (hole + 1) & mask; places_[next].used; next = (next + 1) & mask) {
      // An entry may move back into the hole unless its home lies cyclically after the hole.
      const std::size_t home = home_of(places_[next].key);
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      places_[hole] = std::move(places_[next]);
      hole = next;
    }
    places_[hole] = Place{};
    --size_;
    return true;
  }
  void clear() noexcept {
    for (Place& place : places_) place = Place{};
    size_ = 0;
  }

  /// Calls `visit(key, value)` for each entry, in no particular order. The visitor must not change the table.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (Place& place : places_)
      if (place.used) visit(std::as_const(place.key), place.value);
  }
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Place& place : places_)
      if (place.used) visit(place.key, place.value);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }

 private:
  struct Place {
    Key key{};
    Value value{};
    bool used = false;
  };
  [[nodiscard]] std::size_t home_of(const Key& key) const noexcept {
    // The finaliser of splitmix64: std::hash of an integer is the integer itself, whose low bits may all be equal.
    std::uint64_t h = static_cast<std::uint64_t>(Hash{}(key)) ^ seed_;
    h = (h ^ (h >> 30U)) * 0xbf58476d1ce4e5b9U;
    h = (h ^ (h >> 27U)) * 0x94d049bb133111ebU;
    return static_cast<std::size_t>(h ^ (h >> 31U)) & (places_.size() - 1);
  }
  /// Where the key is, or the free place where it would go. Ends: at least half of the places are free.
  [[nodiscard]] std::size_t locate(const Key& key) const noexcept {
    std::size_t at = home_of(key);
    while (places_[at].used && !(places_[at].key == key)) at = (at + 1) & (places_.size() - 1);
    return at;
  }

  std::vector<Place> places_;
  std::size_t capacity_;
  std::uint64_t seed_;
  std::size_t size_ = 0;
};

}  // namespace sluice
