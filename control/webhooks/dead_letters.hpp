#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

/// Events that an endpoint would not take (contract section 35): a ring in memory, mirrored in lasting storage if there is
/// one. Entries are `{event, endpoint, failedAt, error}`.
class DeadLetters {
 public:
  /// Lasting storage: an empty text erases the key. Must not block.
  using Write = std::function<void(const std::string& key, const std::string& text)>;

  /// `entries_max`: when there are more the oldest go.
  explicit DeadLetters(std::size_t entries_max, Write write = {});

  /// What was written by a predecessor, in any order; what cannot be read is erased.
  void restore(const std::vector<std::pair<std::string, std::string>>& stored);
  void add(nlohmann::json entry);
  void clear();
  void set_entries_max(std::size_t entries_max);

  /// Oldest first.
  [[nodiscard]] nlohmann::json entries() const;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  void trim();

  std::size_t entries_max_;
  Write write_;
  std::uint64_t last_number_ = 0;
  std::deque<std::pair<std::uint64_t, nlohmann::json>> entries_;  // oldest first
};

}  // namespace sluice
