#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::socketio {

/// The packet types of Engine.IO v4 (contract socketio.md section 5); the value is the digit on the wire.
enum class EngineType : std::uint8_t { open = 0, close = 1, ping = 2, pong = 3, message = 4, upgrade = 5, noop = 6 };

/// One packet, borrowed from what it was read from.
struct EnginePacket {
  EngineType type = EngineType::message;
  bool binary = false;    // of messages only
  std::string_view data;  // after the type digit; for binary the bytes themselves
};

/// Reads the text of one WebSocket message. Base64 (`b...`) is decoded into `scratch`, which the packet then borrows.
/// Nothing when the type is unknown, the text empty or the base64 broken.
[[nodiscard]] std::optional<EnginePacket> read_engine_text(std::string_view text, std::string& scratch);

/// Reads a polling body packet by packet. The packets are separated by 0x1E.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view body) noexcept : rest_(body) {}

  /// The next packet, borrowed until the next call; nothing at the end or at the first packet that is none.
  std::optional<EnginePacket> next();
  /// Whether reading stopped before the end (contract: "parse error").
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  std::string_view rest_;
  std::string scratch_;
  bool done_ = false;
  bool failed_ = false;
};

/// Standard base64 (RFC 4648 section 4) with padding, as browsers and Node write it; missing padding is accepted, any other
/// character is not.
[[nodiscard]] bool base64_decode(std::string_view text, std::string& out);
void base64_append(std::string& out, std::string_view bytes);

/// Whether `text` is strict UTF-8 (RFC 3629: shortest forms, no surrogates).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

inline constexpr char payload_separator = '\x1e';

}  // namespace sluice::socketio
