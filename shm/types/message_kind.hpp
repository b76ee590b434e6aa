#pragma once

#include <cstdint>

namespace sluice {

/// What a WebSocket message is (RFC 6455 section 5.6).
enum class MessageKind : std::uint8_t { text, binary };

}  // namespace sluice
