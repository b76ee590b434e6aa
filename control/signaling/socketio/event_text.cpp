#include "control/signaling/socketio/event_text.hpp"

#include <utility>

#include "control/json/json_writer.hpp"
#include "control/signaling/socketio/placeholders.hpp"

namespace sluice::socketio {

EventText::EventText(std::string_view name) {
  append_json_string(body_, name);
}

EventText EventText::acknowledgement() {
  return {};
}

EventText& EventText::argument(std::string_view json) {
  if (!body_.empty()) body_ += ',';
  body_ += json;
  return *this;
}

EventText& EventText::text_argument(std::string_view text) {
  if (!body_.empty()) body_ += ',';
  append_json_string(body_, text);
  return *this;
}

EventText& EventText::relayed(std::string_view json, const Attachments& attachments) {
  return attachments.empty() ? argument(json) : argument(adopt(json, attachments));
}

std::string EventText::adopt(std::string_view json, const Attachments& attachments) {
  if (attachments.empty()) return std::string(json);
  const auto places = find_placeholders(json, attachments.size());
  std::string out;
  if (!places) return std::string(json);  // checked when the packet came
  constexpr std::size_t not_numbered = static_cast<std::size_t>(-1);
  std::vector<std::size_t> numbers(attachments.size(), not_numbered);
  std::size_t copied = 0;
  for (const Placeholder& place : *places) {
    std::size_t& renumbered = numbers[place.number];
    if (renumbered == not_numbered) {
      renumbered = attachments_.size();
      attachments_.push_back(attachments[place.number]);
    }
    out += json.substr(copied, place.begin - copied);
    out += R"({"_placeholder":true,"num":)" + std::to_string(renumbered) + "}";
    copied = place.begin + place.size;
  }
  out += json.substr(copied);
  return out;
}

OutPacket EventText::packet(SocketType plain, SocketType binary, std::string_view name_space,
                            std::optional<std::uint64_t> id, std::optional<std::string_view> offset) const {
  std::string text = packet_head(attachments_.empty() ? plain : binary, attachments_.size(), name_space, id);
  text.reserve(text.size() + body_.size() + 2 + (offset ? offset->size() + 3 : 0));
  text += '[';
  text += body_;
  if (offset) {
    text += ",\"";
    text += *offset;
    text += '"';
  }
  text += ']';
  return {std::make_shared<const std::string>(std::move(text)), attachments_};
}

OutPacket EventText::event(std::string_view name_space, std::optional<std::string_view> offset) const {
  return packet(SocketType::event, SocketType::binary_event, name_space, std::nullopt, offset);
}

OutPacket EventText::acknowledge(std::string_view name_space, std::uint64_t id) const {
  return packet(SocketType::ack, SocketType::binary_ack, name_space, id, std::nullopt);
}

}  // namespace sluice::socketio
