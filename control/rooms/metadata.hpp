#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

/// A map from key to value in insertion order, as peers and rooms carry it. Values are opaque: each is one raw JSON text,
/// kept byte for byte (`"Alice"` with its quotes, `1.50`, `{"a":[1]}`); this module never looks inside, except that the text
/// `null` has a meaning when merging. Keys are plain text, not escaped.
class Metadata {
 public:
  using Entry = std::pair<std::string, std::string>;  // key, raw JSON text
  enum class NullMeans { remove, store };

  Metadata() = default;
  Metadata(std::initializer_list<Entry> entries);

  /// Sets one key; an existing one keeps its place.
  void set(std::string_view key, std::string_view raw_json);
  /// Applies all of `patch` in order, in time linear in both sizes.
  void merge(const Metadata& patch, NullMeans null_means);
  void erase(std::string_view key);
  /// Appends without looking for the key: for parsers that already know it to be new.
  void append(std::string key, std::string raw_json) { entries_.emplace_back(std::move(key), std::move(raw_json)); }

  /// The raw JSON text of a key, or nullptr. Lives until the next change.
  [[nodiscard]] const std::string* find(std::string_view key) const;
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// Bytes of all keys and values together: what limits count.
  [[nodiscard]] std::size_t bytes() const noexcept;
  friend bool operator==(const Metadata&, const Metadata&) = default;

 private:
  std::vector<Entry> entries_;
};

/// Keys that begin with `__` belong to the server (roles, capabilities, regions); clients cannot set them.
[[nodiscard]] constexpr bool is_reserved_key(std::string_view key) noexcept {
  return key.starts_with("__");
}

}  // namespace sluice
