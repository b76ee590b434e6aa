#include "control/deadlines/lasting_deadlines.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "shm/types/bytes.hpp"

namespace sluice {

namespace {

constexpr std::int64_t met = 0;

std::optional<std::int64_t> parse(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

LastingDeadlines::LastingDeadlines(StateLog& log, std::string prefix, Clocks clocks)
    : log_(log), prefix_(std::move(prefix)), clocks_(std::move(clocks)) {}

void LastingDeadlines::write(const PeerId& peer, std::int64_t unix_ms) {
  known_.insert(peer);
  (void)log_.put(prefix_ + peer.value, as_bytes(std::to_string(unix_ms)));
}

void LastingDeadlines::set(const PeerId& peer, Duration from_now) {
  const TimePoint at = clocks_.now() + from_now;
  deadlines_.set(peer, at);
  write(peer, clocks_.unix_ms(at));
}

void LastingDeadlines::meet(const PeerId& peer) {
  deadlines_.erase(peer);
  if (knows(peer)) write(peer, met);
}

void LastingDeadlines::erase(const PeerId& peer) {
  deadlines_.erase(peer);
  if (known_.erase(peer) != 0) (void)log_.erase(prefix_ + peer.value);
}

void LastingDeadlines::restore(const std::function<bool(const PeerId&)>& is_member, Duration longest) {
  const TimePoint now = clocks_.now();
  const std::int64_t unix_now = clocks_.unix_ms(now);
  const std::int64_t longest_ms = std::chrono::duration_cast<std::chrono::milliseconds>(longest).count();
  std::vector<std::string> gone;
  log_.for_each(prefix_, [&](std::string_view key, Bytes value) {
    const PeerId peer(std::string(key.substr(prefix_.size())));
    const auto at = parse(as_text(value));
    if (!at || !is_member(peer)) {
      gone.emplace_back(key);
      return;
    }
    known_.insert(peer);
    if (*at == met) return;
    const std::int64_t left = *at <= unix_now ? 0 : std::min(*at - unix_now, longest_ms);
    deadlines_.set(peer, now + std::chrono::milliseconds(left));
  });
  for (const std::string& key : gone) (void)log_.erase(key);
}

}  // namespace sluice
