#pragma once

#include <stun/stunagent.h>

#include <cstdint>
#include <random>
#include <string>

#include "shm/types/bytes.hpp"
#include "shm/types/time.hpp"
#include "tools/load/ice_thread.hpp"

namespace sluice::load {

/// Consent of one peer (RFC 7675 section 5.1): a check every 4 to 6 s on the nominated pair, made and verified by libnice's
/// STUN functions, and expired when none was answered for 30 s.
class Consent {
 public:
  static constexpr Duration expiry = std::chrono::seconds(30);

  Consent(TimePoint now, const IceCredentials& local, IceCredentials remote, std::uint64_t seed);
  Consent(const Consent&) = delete;
  Consent& operator=(const Consent&) = delete;

  /// A check to send when one is due, written into `out` (at least 300 bytes); else empty.
  [[nodiscard]] Bytes poll(TimePoint now, MutableBytes out);
  void on_datagram(TimePoint now, Bytes datagram);
  [[nodiscard]] TimePoint next_deadline() const noexcept { return next_check_; }
  [[nodiscard]] bool expired(TimePoint now) const noexcept { return now - last_answer_ > expiry; }
  [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }

 private:
  StunAgent agent_{};
  std::string username_;
  std::string password_;
  std::minstd_rand random_;
  std::uint64_t tie_breaker_;
  StunTransactionId last_id_{};
  bool outstanding_ = false;
  TimePoint next_check_;
  TimePoint last_answer_;
  std::uint64_t answers_ = 0;
};

}  // namespace sluice::load
