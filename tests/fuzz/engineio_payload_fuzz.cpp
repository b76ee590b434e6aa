// uses: control_signaling_socketio
// Polling bodies and queries: what is read is inside the input, and binary survives being written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "control/signaling/socketio/engine_packet.hpp"
#include "control/signaling/socketio/engine_request.hpp"

using namespace sluice::socketio;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  PayloadReader reader(body);
  std::size_t packets = 0;
  while (const auto packet = reader.next()) {
    ++packets;
    if (packet->data.size() > size) std::abort();
    if (!packet->binary) continue;
    std::string text;
    base64_append(text, packet->data);
    std::string back;
    if (!base64_decode(text, back) || back != packet->data) std::abort();
  }
  if (packets > size + 1) std::abort();
  if (packets == 0 && !reader.failed()) std::abort();  // an empty body is no packet
  (void)is_utf8(body);
  const EngineQuery query = read_engine_query(body);
  if (query.has_sid == query.sid.empty() && !query.sid.empty()) std::abort();
  (void)preflight_response(body);
  return 0;
}
