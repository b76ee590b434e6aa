#pragma once

#include <cstdint>

#include "shm/types/bytes.hpp"

namespace sluice {

/// Looks at the clear parts of a datagram before OpenSSL spends memory on them: whole records only (RFC 6347 section 4.1),
/// handshake messages and fragments within DtlsLimits. One per handshake.
class RecordFilter {
 public:
  enum class Verdict : std::uint8_t { pass, malformed, over_limit };
  [[nodiscard]] Verdict check(Bytes datagram) noexcept;

 private:
  [[nodiscard]] Verdict check_handshake(Bytes content) noexcept;
  std::uint32_t fragmented_messages_ = 0;  // bit n: message n came in pieces
  unsigned fragments_ = 0;
};

}  // namespace sluice
