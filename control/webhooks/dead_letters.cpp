#include "control/webhooks/dead_letters.hpp"

#include <algorithm>
#include <charconv>

namespace sluice {

using nlohmann::json;

namespace {

constexpr std::size_t key_digits = 20;  // any 64-bit number; padded, so that keys sort as numbers

bool is_entry(const json& value) {
  return value.is_object() && value.contains("event") && value.contains("endpoint") && value.contains("failedAt") &&
         value.contains("error");
}

}  // namespace

DeadLetters::DeadLetters(std::size_t entries_max, Write write) : entries_max_(entries_max), write_(std::move(write)) {}

std::string DeadLetters::key_of(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(key_digits - digits.size(), '0') + digits;
}

void DeadLetters::restore(const std::vector<std::pair<std::string, std::string>>& stored) {
  for (const auto& [key, text] : stored) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
    json entry = json::parse(text, nullptr, false);
    if (error != std::errc() || key != key_of(number) || number == UINT64_MAX || !is_entry(entry)) {
      if (write_) write_(key, {});
      continue;
    }
    last_number_ = std::max(last_number_, number);
    entries_.emplace_back(number, std::move(entry));
  }
  std::sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  trim();
}

void DeadLetters::add(json entry) {
  const std::uint64_t number = ++last_number_;
  if (write_) write_(key_of(number), entry.dump(-1, ' ', false, json::error_handler_t::replace));
  entries_.emplace_back(number, std::move(entry));
  trim();
}

void DeadLetters::trim() {
  while (entries_.size() > entries_max_) {
    if (write_) write_(key_of(entries_.front().first), {});
    entries_.pop_front();
  }
}

void DeadLetters::clear() {
  if (write_) {
    for (const auto& [number, entry] : entries_) write_(key_of(number), {});
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
