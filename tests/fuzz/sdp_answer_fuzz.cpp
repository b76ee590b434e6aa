// uses: control_sdp
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/sdp/parser.hpp"
#include "control/sdp/writer.hpp"

// Answers of clients, read when the server offers: parse alone, with small limits too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto answer = sdp::parse(text);
  if (answer) {
    const auto again = sdp::parse(sdp::write(*answer), {.bytes_max = 16U << 20U});
    if (!again || *again != *answer) std::abort();
  } else if (answer.error().line == 0 || answer.error().message().empty()) {
    std::abort();
  }
  (void)sdp::parse(
      text, {.media_max = 1, .formats_max = 2, .extensions_max = 2, .layers_max = 1, .ssrcs_max = 1, .feedback_max = 2});
  return 0;
}
