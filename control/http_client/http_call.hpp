#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shm/types/result.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Where a URL came from, and so how far it is trusted (hardening.md section 6).
enum class UrlOrigin : std::uint8_t {
  configuration,  // the operator wrote it: used as it stands, http or https, any address
  run_time,       // it came by an API or from a client: see RunTimeUrl; only global addresses are connected to
};

/// One request. Redirects are never followed: a 3xx is an answer like any other.
struct HttpCall {
  enum class Method : std::uint8_t { get, post };
  Method method = Method::post;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;  // a User-Agent here replaces ours; no CR or LF in them
  std::string body;                                          // of a post
  Duration time_limit = std::chrono::seconds(5);             // from call() to the last byte, waiting included
  std::size_t response_bytes_max = 64 * 1024;
  UrlOrigin origin = UrlOrigin::configuration;
};

/// What the other side said, with whatever status.
struct HttpResult {
  int status = 0;
  std::string body;
  [[nodiscard]] bool success() const noexcept { return status >= 200 && status < 300; }
};

/// Why there is no answer.
struct HttpFailure {
  enum class Kind : std::uint8_t {
    bad_request,      // the URL cannot be used, or a header is malformed
    queue_full,       // too many calls wait already
    address_refused,  // a run-time URL leads to an address that is not global
    unreachable,      // no connection, TLS failed, or it ended early
    timed_out,
    response_too_large,
  };
  Kind kind = Kind::unreachable;
  std::string message;  // for logs; names no secret
};
inline constexpr std::size_t http_failure_kinds = 6;
[[nodiscard]] constexpr std::string_view to_string(HttpFailure::Kind kind) noexcept {
  switch (kind) {
    case HttpFailure::Kind::bad_request:
      return "bad_request";
    case HttpFailure::Kind::queue_full:
      return "queue_full";
    case HttpFailure::Kind::address_refused:
      return "address_refused";
    case HttpFailure::Kind::unreachable:
      return "unreachable";
    case HttpFailure::Kind::timed_out:
      return "timed_out";
    case HttpFailure::Kind::response_too_large:
      break;
  }
  return "response_too_large";
}

using HttpOutcome = Result<HttpResult, HttpFailure>;
using HttpDone = std::function<void(const HttpOutcome&)>;

/// Whoever makes HTTP calls: HttpClient in production, a script in tests.
class HttpCaller {
 public:
  virtual ~HttpCaller() = default;
  /// Starts a call, now or when there is room. `done` runs later, exactly once, never from inside this call; it is dropped
  /// without a call when the caller ends first.
  virtual void call(HttpCall call, HttpDone done) = 0;
};

}  // namespace sluice
