#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/policy/turn/turn_credentials.hpp"
#include "control/signaling/partyrooms/party_options.hpp"
#include "shm/types/entropy.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct PartyHttpRequest {
  std::string_view method;    // upper case
  std::string_view raw_path;  // still percent-encoded
  std::string_view query;     // as sent, without '?'
  std::string_view origin;
  std::string_view ip;
};

struct PartyHttpReply {
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// HTTP on room URLs (contract partyroom, sections 2 and 5): a word for those who look, and TURN credentials. Every reply,
/// also of refusals, lets pages of any origin read it: a browser that may not read a refusal never makes its connection.
class PartyHttp {
 public:
  /// `entropy` is borrowed for life.
  PartyHttp(const PartyOptions& options, Entropy& entropy);

  [[nodiscard]] PartyHttpReply handle(const PartyHttpRequest& request, TimePoint now, std::int64_t unix_seconds);
  /// What a refused upgrade is answered with.
  [[nodiscard]] static PartyHttpReply plain(int status, std::string body);

 private:
  [[nodiscard]] PartyHttpReply turn(const PartyHttpRequest& request, TimePoint now, std::int64_t unix_seconds);
  [[nodiscard]] bool admit(std::string_view ip, TimePoint now);

  PartyOptions options_;
  Entropy& entropy_;
  std::optional<TurnCredentials> turn_;
  // Requests of the current minute by address; all are forgotten with the next. Bounded: when full, newcomers are refused.
  TimePoint minute_{};
  std::unordered_map<std::string, std::uint32_t> requests_;
};

}  // namespace sluice
