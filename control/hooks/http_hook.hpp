#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "control/hooks/hooks.hpp"
#include "control/http_client/http_call.hpp"
#include "shm/types/entropy.hpp"

namespace sluice {

/// How an HTTP callback is called.
struct HttpHookOptions {
  std::string url;         // of the configuration: used as it stands
  std::string secret;      // empty: not signed
  bool only_told = false;  // the answer does not matter: any 2xx will do, whatever its body
};

/// A provider that asks an HTTP callback: POST of the request as JSON, the answer's body as JSON. Headers:
/// `X-Webrtc-Rooms-Timestamp` (Unix milliseconds), `X-Webrtc-Rooms-Id` (different in each call) and, with a secret,
/// `X-Webrtc-Rooms-Signature: sha256=` with the hexadecimal HMAC-SHA-256 over `timestamp.id.body` (hardening.md section 6).
/// A status other than 2xx, no JSON, or no answer within five seconds is a failure. Never retried: a hook may have effects.
[[nodiscard]] Hooks::Provider http_hook(HttpCaller& http, Entropy& entropy, std::function<std::int64_t()> unix_ms,
                                        HttpHookOptions options);

}  // namespace sluice
