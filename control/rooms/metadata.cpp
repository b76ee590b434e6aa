#include "control/rooms/metadata.hpp"

#include <algorithm>
#include <unordered_map>

namespace sluice {

Metadata::Metadata(std::initializer_list<Entry> entries) {
  for (const auto& [key, raw_json] : entries) set(key, raw_json);
}

void Metadata::set(std::string_view key, std::string_view raw_json) {
  for (auto& [known, value] : entries_) {
    if (known == key) {
      value = raw_json;
      return;
    }
  }
  entries_.emplace_back(key, raw_json);
}

void Metadata::merge(const Metadata& patch, NullMeans null_means) {
  // Position by key, and a mark for removed entries, so that large patches stay linear.
  std::unordered_map<std::string_view, std::size_t> position;
  position.reserve(entries_.size() + patch.size());
  entries_.reserve(entries_.size() + patch.size());  // keeps the views in `position` valid
  std::vector<bool> removed(entries_.size() + patch.size(), false);
  for (std::size_t i = 0; i < entries_.size(); ++i) position.emplace(entries_[i].first, i);
  for (const auto& [key, value] : patch.entries_) {
    const auto found = position.find(key);
    if (null_means == NullMeans::remove && value == "null") {
      if (found == position.end()) continue;
      removed[found->second] = true;
      position.erase(found);
    } else if (found != position.end()) {
      entries_[found->second].second = value;
    } else {
      entries_.emplace_back(key, value);
      position.emplace(entries_.back().first, entries_.size() - 1);
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (removed[i]) continue;
    if (kept != i) entries_[kept] = std::move(entries_[i]);
    ++kept;
  }
  entries_.resize(kept);
}

void Metadata::erase(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.first == key; });
}

const std::string* Metadata::find(std::string_view key) const {
  for (const auto& [known, value] : entries_) {
    if (known == key) return &value;
  }
  return nullptr;
}

std::size_t Metadata::bytes() const noexcept {
  std::size_t total = 0;
  for (const auto& [key, value] : entries_) total += key.size() + value.size();
  return total;
}

}  // namespace sluice
