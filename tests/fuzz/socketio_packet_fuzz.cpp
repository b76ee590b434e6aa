// uses: control_signaling_socketio
// Socket.IO packets: what is accepted is valid for its type, and an event passed on is accepted again and means the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "control/signaling/socketio/event_text.hpp"
#include "control/signaling/socketio/placeholders.hpp"
#include "control/signaling/socketio/socket_packet.hpp"

using namespace sluice;
using namespace sluice::socketio;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto packet = read_socket_packet(text);
  if (!packet) return 0;
  const bool binary = packet->type == SocketType::binary_event || packet->type == SocketType::binary_ack;
  if (binary != (packet->attachments > 0) || packet->attachments > SocketPacketLimits{}.attachments_max) std::abort();
  if (packet->type == SocketType::connect && packet->payload && packet->payload->kind() != JsonKind::object) std::abort();
  if (packet->type == SocketType::disconnect && packet->payload) std::abort();
  if (!packet->payload || (packet->type != SocketType::event && packet->type != SocketType::binary_event)) return 0;
  if (!find_placeholders(packet->payload->raw(), packet->attachments)) return 0;
  const auto elements = packet->payload->as_array(SocketPacketLimits{}.arguments_max);
  if (!elements || elements->empty()) std::abort();
  Attachments attachments(packet->attachments, std::make_shared<const std::string>("b"));
  EventText event("echo");
  for (std::size_t i = 1; i < elements->size(); ++i) event.relayed((*elements)[i].raw(), attachments);
  const OutPacket out = event.event("/", "offset");
  const auto again = read_socket_packet(std::string_view(*out.text).substr(1));
  if (!again || again->attachments != out.attachments.size() || !again->payload) std::abort();
  const auto arguments = again->payload->as_array(SocketPacketLimits{}.arguments_max + 2);
  if (!arguments || arguments->size() != elements->size() + 1) std::abort();
  if (packet->attachments > 0 && !find_placeholders(again->payload->raw(), out.attachments.size())) std::abort();
  return 0;
}
