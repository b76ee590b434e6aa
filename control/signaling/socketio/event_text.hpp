#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/json/json_view.hpp"
#include "control/signaling/socketio/socket_packet.hpp"

namespace sluice::socketio {

using SharedText = std::shared_ptr<const std::string>;
/// The binary values of a packet, by number; shared with all that the packet is passed on to.
using Attachments = std::vector<SharedText>;

/// One packet on its way out: the text with Engine.IO's type before it, then the binary values.
struct OutPacket {
  SharedText text;
  Attachments attachments;
};

/// Builds an event or an acknowledgement: name first, then arguments. Binary inside what is passed on stays binary; it is
/// numbered anew.
class EventText {
 public:
  explicit EventText(std::string_view name);
  /// An acknowledgement has no name.
  [[nodiscard]] static EventText acknowledgement();

  /// Appends one argument, a valid JSON text without binary.
  EventText& argument(std::string_view json);
  EventText& text_argument(std::string_view text);
  /// Appends a received argument with the attachments of its packet. `attachments` empty: as argument().
  EventText& relayed(std::string_view json, const Attachments& attachments);

  /// A received JSON value for use inside an argument that is being written: placeholders numbered as this event will number
  /// them. Append the argument with argument() afterwards.
  [[nodiscard]] std::string adopt(std::string_view json, const Attachments& attachments);

  [[nodiscard]] bool has_binary() const noexcept { return !attachments_.empty(); }
  /// The finished event for one namespace, with one more text argument when `offset` is given (section 8).
  [[nodiscard]] OutPacket event(std::string_view name_space, std::optional<std::string_view> offset = std::nullopt) const;
  [[nodiscard]] OutPacket acknowledge(std::string_view name_space, std::uint64_t id) const;

 private:
  EventText() = default;
  [[nodiscard]] OutPacket packet(SocketType plain, SocketType binary, std::string_view name_space,
                                 std::optional<std::uint64_t> id, std::optional<std::string_view> offset) const;

  std::string body_;  // the array without its brackets
  Attachments attachments_;
};

}  // namespace sluice::socketio
