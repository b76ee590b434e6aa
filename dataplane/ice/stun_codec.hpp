#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "shm/types/address.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// Why a STUN message was dropped; each has its counter.
enum class IceError : std::uint8_t {
  not_stun,         // not a whole, well-formed STUN message
  bad_fingerprint,  // magic cookie or FINGERPRINT missing or wrong
  not_a_request,    // a response, an indication or another method: we never ask, so nothing can be answered
  no_credentials,   // USERNAME or MESSAGE-INTEGRITY missing
  wrong_username,   // not exactly "our ufrag:their ufrag"
  bad_integrity,    // MESSAGE-INTEGRITY does not verify
  over_budget,      // more checks from this tuple than the limit
  replayed,         // authentic, but its transaction was already taken from another tuple
  reply_too_large,  // the answer would exceed the request (no amplification)
};

/// A reply to be sent to where the request came from.
struct StunReply {
  std::array<std::byte, 128> storage;
  std::size_t size = 0;
  [[nodiscard]] Bytes bytes() const noexcept { return Bytes(storage).first(size); }
};

/// One username and password that a request may carry.
struct StunCredential {
  std::string_view local_ufrag;
  std::string_view remote_ufrag;
  std::string_view password;
};

/// An authenticated Binding request, and the reply to it.
struct StunCheck {
  std::size_t credential = 0;     // index of the credential that matched
  std::uint64_t transaction = 0;  // of the 96 bits of the id; never 0
  bool use_candidate = false;
  bool accepted = true;  // false: the reply is an error (role conflict, unknown attribute) and the check has no effect
  StunReply reply;
};

/// Verifies and answers Binding requests with libnice's STUN code (RFC 8489, short-term credentials, FINGERPRINT required;
/// RFC 8445 section 7.3). One per worker: it holds no state between messages. libnice's HMAC allocates briefly inside
/// GnuTLS; per tuple that happens at most as often as the check budget allows. It compares MACs with memcmp, which tells
/// nothing here: a request that fails gets no answer.
class StunCodec {
 public:
  StunCodec();
  ~StunCodec();
  StunCodec(const StunCodec&) = delete;
  StunCodec& operator=(const StunCodec&) = delete;

  /// `datagram` came from `from`, which goes into XOR-MAPPED-ADDRESS. Tries each credential with a non-empty ufrag; the
  /// whole USERNAME must match. The reply is never larger than the request.
  [[nodiscard]] Result<StunCheck, IceError> answer(Bytes datagram, const SocketAddress& from,
                                                   std::array<StunCredential, 2> credentials) const noexcept;

 private:
  struct Agent;
  std::unique_ptr<Agent> agent_;
};

}  // namespace sluice
