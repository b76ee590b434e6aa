#include "control/signaling/socketio/socket_packet.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice::socketio {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// As many digits as a JavaScript number holds exactly; a client counts its acknowledgements from 0.
constexpr std::size_t id_digits_max = 15;

/// The digits at the front of `text`, cut off it.
std::string_view take_digits(std::string_view& text) noexcept {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

std::uint64_t number(std::string_view digits) noexcept {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// The name of an event: a string, or a number that no handler listens to.
bool valid_event(const JsonView& payload, bool& reserved, std::size_t arguments_max) {
  const auto elements = payload.as_array(arguments_max);
  if (!elements || elements->empty()) return false;
  const JsonView& name = elements->front();
  if (name.kind() == JsonKind::number) return true;
  if (name.kind() != JsonKind::string) return false;
  const std::string_view raw = name.raw();
  reserved = raw.find('\\') == std::string_view::npos ? is_reserved_event(raw.substr(1, raw.size() - 2))
                                                      : is_reserved_event(name.as_string().value_or(""));
  return true;
}

}  // namespace

std::string_view to_string(SocketPacketError error) noexcept {
  switch (error) {
    case SocketPacketError::unknown_type:
      return "unknown_type";
    case SocketPacketError::bad_attachments:
      return "bad_attachments";
    case SocketPacketError::bad_id:
      return "bad_id";
    case SocketPacketError::bad_json:
      return "bad_json";
    case SocketPacketError::bad_payload:
      return "bad_payload";
    case SocketPacketError::reserved_event:
      break;
  }
  return "reserved_event";
}

bool is_reserved_event(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 6> reserved{"connect",       "connect_error", "disconnect",
                                                     "disconnecting", "newListener",   "removeListener"};
  return std::find(reserved.begin(), reserved.end(), name) != reserved.end();
}

Result<SocketPacket, SocketPacketError> read_socket_packet(std::string_view text, const SocketPacketLimits& limits) {
  using enum SocketPacketError;
  SocketPacket packet;
  if (text.empty() || text.front() < '0' || text.front() > '6' || text.front() == '4') return unexpected(unknown_type);
  packet.type = static_cast<SocketType>(text.front() - '0');
  text.remove_prefix(1);
  const bool binary = packet.type == SocketType::binary_event || packet.type == SocketType::binary_ack;
  if (binary) {
    const std::string_view digits = take_digits(text);
    if (digits.empty() || digits.size() > 4 || !text.starts_with('-')) return unexpected(bad_attachments);
    packet.attachments = static_cast<std::size_t>(number(digits));
    if (packet.attachments == 0 || packet.attachments > limits.attachments_max) return unexpected(bad_attachments);
    text.remove_prefix(1);
  }
  if (text.starts_with('/')) {
    const std::size_t end = std::min(text.find(','), text.size());
    packet.name_space = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  if (const std::string_view digits = take_digits(text); !digits.empty()) {
    if (digits.size() > id_digits_max) return unexpected(bad_id);
    packet.id = number(digits);
  }
  if (!text.empty()) {
    packet.payload = JsonView::parse(text, limits.depth_max);
    if (!packet.payload) return unexpected(bad_json);
  }
  bool reserved = false;
  switch (packet.type) {
    case SocketType::connect:
      if (packet.payload && packet.payload->kind() != JsonKind::object) return unexpected(bad_payload);
      break;
    case SocketType::disconnect:
      if (packet.payload) return unexpected(bad_payload);
      break;
    case SocketType::event:
    case SocketType::binary_event:
      if (packet.payload && !valid_event(*packet.payload, reserved, limits.arguments_max)) return unexpected(bad_payload);
      if (reserved) return unexpected(reserved_event);
      break;
    case SocketType::ack:
    case SocketType::binary_ack:
      if (packet.payload && packet.payload->kind() != JsonKind::array) return unexpected(bad_payload);
      break;
    case SocketType::connect_error:
      return unexpected(unknown_type);
  }
  return packet;
}

std::string packet_head(SocketType type, std::size_t attachments, std::string_view name_space,
                        std::optional<std::uint64_t> id) {
  std::string head = "4";
  head += static_cast<char>('0' + static_cast<int>(type));
  if (attachments > 0) {
    head += std::to_string(attachments);
    head += '-';
  }
  if (name_space != "/") {
    head += name_space;
    head += ',';
  }
  if (id) head += std::to_string(*id);
  return head;
}

}  // namespace sluice::socketio
