#include "control/security/ban_list.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice {

BanList::BanList(Store& store, std::string table, UnixClock unix_ms, TimePoint now)
    : store_(store), table_(std::move(table)), unix_ms_(std::move(unix_ms)) {
  store_.load(table_, [&](std::string_view ip, std::string_view text) {
    std::int64_t until = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), until).ec == std::errc()) until_.emplace(ip, until);
  });
  sweep(now);
}

std::int64_t BanList::add(const std::string& ip, std::chrono::milliseconds length, TimePoint now) {
  constexpr std::chrono::milliseconds ten_years = std::chrono::hours(24 * 3650);  // far from any overflow
  const std::int64_t until = unix_ms_(now) + std::clamp(length, std::chrono::milliseconds(0), ten_years).count();
  if (until_.size() >= bans_max && !until_.contains(ip)) {
    const auto first =
        std::min_element(until_.begin(), until_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    store_.erase(table_, first->first);
    until_.erase(first);
  }
  until_.insert_or_assign(ip, until);
  store_.put(table_, ip, std::to_string(until));
  return until;
}

bool BanList::remove(const std::string& ip) {
  if (until_.erase(ip) == 0) return false;
  store_.erase(table_, ip);
  return true;
}

bool BanList::contains(const std::string& ip, TimePoint now) const {
  const auto found = until_.find(ip);
  return found != until_.end() && unix_ms_(now) < found->second;
}

std::vector<BanList::Ban> BanList::bans(TimePoint now) const {
  std::vector<Ban> result;
  const std::int64_t at = unix_ms_(now);
  for (const auto& [ip, until] : until_) {
    if (at < until) result.push_back({ip, until});
  }
  return result;
}

void BanList::sweep(TimePoint now) {
  const std::int64_t at = unix_ms_(now);
  for (auto entry = until_.begin(); entry != until_.end();) {
    if (at < entry->second) {
      ++entry;
      continue;
    }
    store_.erase(table_, entry->first);
    entry = until_.erase(entry);
  }
}

}  // namespace sluice
