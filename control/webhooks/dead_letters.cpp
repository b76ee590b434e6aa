#include "control/webhooks/dead_letters.hpp"

#include <algorithm>

#include "control/webhooks/row_key.hpp"

namespace sluice {

using nlohmann::json;

namespace {

bool is_entry(const json& value) {
  return value.is_object() && value.contains("event") && value.contains("endpoint") && value.contains("failedAt") &&
         value.contains("error");
}

}  // namespace

DeadLetters::DeadLetters(std::size_t entries_max, Write write) : entries_max_(entries_max), write_(std::move(write)) {}

void DeadLetters::restore(const std::vector<std::pair<std::string, std::string>>& stored) {
  for (const auto& [key, text] : stored) {
    const auto number = parse_row_key(key);
    json entry = json::parse(text, nullptr, false);
    if (!number || !is_entry(entry)) {
      if (write_) write_(key, {});
      continue;
    }
    last_number_ = std::max(last_number_, *number);
    entries_.emplace_back(*number, std::move(entry));
  }
  std::sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  trim();
}

void DeadLetters::add(json entry) {
  const std::uint64_t number = ++last_number_;
  if (write_) write_(row_key(number), entry.dump(-1, ' ', false, json::error_handler_t::replace));
  entries_.emplace_back(number, std::move(entry));
  trim();
}

void DeadLetters::trim() {
  while (entries_.size() > entries_max_) {
    if (write_) write_(row_key(entries_.front().first), {});
    entries_.pop_front();
  }
}

void DeadLetters::clear() {
  if (write_) {
    for (const auto& [number, entry] : entries_) write_(row_key(number), {});
  }
  entries_.clear();
}

void DeadLetters::set_entries_max(std::size_t entries_max) {
  entries_max_ = entries_max;
  trim();
}

json DeadLetters::entries() const {
  json list = json::array();
  for (const auto& [number, entry] : entries_) list.push_back(entry);
  return list;
}

}  // namespace sluice
