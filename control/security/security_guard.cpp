#include "control/security/security_guard.hpp"

#include "control/security/address.hpp"

namespace sluice {

std::optional<std::string> SecurityGuard::refuse_connection(std::string_view ip, TimePoint now) {
  const std::string address = canonical_address(ip);
  if (threats_ != nullptr) {
    if (auto refused = threats_->refuse_connection(address, now)) return refused;
  }
  if (limiter_ != nullptr && !limiter_->connection(address, now)) return "Rate limited";
  return std::nullopt;
}

GuardVerdict SecurityGuard::check(const PeerId& peer, const GuardedMessage& message, TimePoint now) {
  const GuardVerdict verdict = threats_ == nullptr ? GuardVerdict::pass : threats_->check(peer, message, now);
  if (verdict == GuardVerdict::ended || limiter_ == nullptr) return verdict;
  switch (limiter_->message(peer, now)) {
    case RateLimiter::Message::pass:
      return verdict;
    case RateLimiter::Message::drop:
      return GuardVerdict::drop;
    case RateLimiter::Message::drop_and_tell:
      break;
  }
  return GuardVerdict::drop_and_tell;
}

}  // namespace sluice
