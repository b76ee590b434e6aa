#include "tools/load/consent.hpp"

#include <stun/usages/ice.h>

#include <vector>

namespace sluice::load {

namespace {

constexpr std::uint32_t priority = 0x6e7f'1eff;  // of a peer-reflexive candidate; a lite agent does not use it

std::uint8_t* as_octets(std::byte* bytes) {
  return reinterpret_cast<std::uint8_t*>(bytes);
}
const std::uint8_t* as_octets(const std::string& text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

}  // namespace

Consent::Consent(TimePoint now, const IceCredentials& local, IceCredentials remote, std::uint64_t seed)
    : username_(remote.ufrag + ":" + local.ufrag),
      password_(std::move(remote.pwd)),
      random_(static_cast<std::minstd_rand::result_type>(seed + 1)),
      tie_breaker_(seed),
      next_check_(now),
      last_answer_(now) {
  stun_agent_init(
      &agent_, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
      static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT));
}

Bytes Consent::poll(TimePoint now, MutableBytes out) {
  if (now < next_check_) return {};
  next_check_ = now + std::chrono::milliseconds(std::uniform_int_distribution<int>(4000, 6000)(random_));
  if (outstanding_) stun_agent_forget_transaction(&agent_, last_id_);
  StunMessage message{};
  const std::size_t size = stun_usage_ice_conncheck_create(
      &agent_, &message, as_octets(out.data()), out.size(), as_octets(username_), username_.size(), as_octets(password_),
      password_.size(), false, true, priority, tie_breaker_, nullptr, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
  stun_message_id(&message, last_id_);
  outstanding_ = size > 0;
  return Bytes(out).first(size);
}

void Consent::on_datagram(TimePoint now, Bytes datagram) {
  std::vector<std::byte> copy(datagram.begin(), datagram.end());
  StunMessage message{};
  const StunValidationStatus status =
      stun_agent_validate(&agent_, &message, as_octets(copy.data()), copy.size(), nullptr, nullptr);
  if (status != STUN_VALIDATION_SUCCESS || stun_message_get_class(&message) != STUN_RESPONSE) return;
  outstanding_ = false;  // validation forgot the transaction
  ++answers_;
  last_answer_ = now;
}

}  // namespace sluice::load
