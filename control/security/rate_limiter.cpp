#include "control/security/rate_limiter.hpp"

#include <utility>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr Duration second = 1s;
constexpr Duration minute = 60s;
constexpr std::size_t addresses_max = 200'000;

}  // namespace

RateLimiter::RateLimiter(Bus& bus, BanList& bans, RateLimiterOptions options)
    : bus_(bus),
      bans_(bans),
      options_(std::move(options)),
      peer_closed_(bus.subscribe<PeerClosed>([this](const PeerClosed& fact) { peers_.erase(fact.peer); })) {}

bool RateLimiter::connection(const std::string& ip, TimePoint now) {
  if (options_.whitelist.contains(ip)) return true;
  if (bans_.contains(ip, now)) {
    tell_blocked(ip, now);
    return false;
  }
  if (connections_.size() >= addresses_max && !connections_.contains(ip)) {
    sweep(now);
    if (connections_.size() >= addresses_max) return true;  // a flood from everywhere: no address is one of many
  }
  if (connections_[ip].minute.count(now, minute) <= options_.connections_per_minute) return true;
  ban(ip, now);
  tell_blocked(ip, now);
  return false;
}

void RateLimiter::tell_blocked(const std::string& ip, TimePoint now) {
  if (connections_[ip].blocked.count(now, second) == 1) bus_.publish(ConnectionBlocked{ip});
}

RateLimiter::Message RateLimiter::message(const PeerId& peer, TimePoint now) {
  PeerWindows& windows = peers_[peer];
  const std::uint32_t in_second = windows.second.count(now, second);
  const std::uint32_t in_minute = windows.minute.count(now, minute);
  if (in_second <= options_.messages_per_second && in_minute <= options_.messages_per_minute) return Message::pass;
  if (windows.was_told && now - windows.told < second) return Message::drop;
  windows.told = now;
  windows.was_told = true;
  bus_.publish(MessageBlocked{peer});
  return Message::drop_and_tell;
}

void RateLimiter::ban(const std::string& ip, std::chrono::milliseconds length, TimePoint now) {
  const std::int64_t until = bans_.add(ip, length, now);
  bus_.publish(AddressBanned{ip, until, true});
}

bool RateLimiter::unban(const std::string& ip) {
  // The address begins anew: its window may still hold what it was banned for.
  connections_.erase(ip);
  if (!bans_.remove(ip)) return false;
  bus_.publish(AddressUnbanned{ip, true});
  return true;
}

void RateLimiter::sweep(TimePoint now) {
  std::erase_if(connections_, [&](const auto& entry) { return entry.second.minute.over(now, minute); });
  bans_.sweep(now);
}

}  // namespace sluice
