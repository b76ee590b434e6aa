#pragma once

#include "shm/types/bytes.hpp"

namespace sluice {

/// Whether `datagram` is one or more whole DTLS 1.x records and nothing else, by their headers (RFC 6347 section 4.1): a
/// content type of 20 to 26, a version 0xfe.., a length that fits. Proves nothing about who sent it; spares the handshaker,
/// and the sender's budget there, what no DTLS implementation sends.
[[nodiscard]] bool holds_dtls_records(Bytes datagram) noexcept;

}  // namespace sluice
