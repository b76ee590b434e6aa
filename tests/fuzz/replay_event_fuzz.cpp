// uses: control_sessions_replay
// Any text as a row of the replay log.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/sessions/replay/event_replay.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto event = sluice::RecordedEvent::from_json(text)) {
    const auto again = sluice::RecordedEvent::from_json(event->to_json());
    if (!again || again->seq != event->seq || again->type != event->type || again->payload != event->payload) std::abort();
    (void)event->message();
  }
  return 0;
}
