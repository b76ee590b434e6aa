// uses: control_sessions
// Any text as a session token: refused, or exactly one that we would make.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/sessions/session_token.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto token = sluice::verify_session_token("secret", text);
  if (token && sluice::make_session_token("secret", *token) != text) {
    // Leading zeros and capitals in the time are another spelling of the same number under a valid signature.
    const auto again = sluice::verify_session_token("secret", sluice::make_session_token("secret", *token));
    if (!again || again->peer != token->peer || again->issued_at != token->issued_at) std::abort();
  }
  // A record of a session, as it lies in the store.
  return 0;
}
