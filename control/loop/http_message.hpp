#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::loop {

enum class HttpMethod { get, head, post, put, patch, del, options, other };

/// What a request says before its body.
struct RequestHead {
  HttpMethod method = HttpMethod::get;
  std::string path;       // percent-decoded by the listener, without the query; an escaped slash is a slash
  std::string raw_path;   // as sent, percent-encoded: there an escaped slash is part of its segment
  std::string query;      // as sent, percent-encoded, without '?'
  std::string remote_ip;  // of the TCP connection, or of X-Forwarded-For if the listener trusts it
  std::string authorization;
  std::string origin;
  std::string host;            // as the client wrote it, with the port if it wrote one
  std::uint64_t exchange = 0;  // names the exchange for its life; never reused by this process
  bool tls = false;            // the client used https or wss, as far as we or a trusted proxy can see
  /// Names in lower case. The usual ones and those of lws_request.cpp's list: libwebsockets finds further ones by name only.
  std::vector<std::pair<std::string, std::string>> headers;

  /// A header by its lower-case name; of one that was sent several times, the values joined as libwebsockets joins them.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const {
    for (const auto& [known, value] : headers) {
      if (known == name) return value;
    }
    return std::nullopt;
  }
};

/// One request, whole.
struct HttpRequest : RequestHead {
  std::string body;  // at most the listener's limit
};

/// A body that is made while it is sent: as much as the client takes, a piece at a time. On the loop's thread; ended when
/// the client has gone.
class HttpBodySource {
 public:
  enum class Next {
    piece,   // appended to `out`
    later,   // none yet: what on_ready() was given is called when there is one
    end,     //
    failed,  // the connection is closed, so that the client sees that it did not get all
  };
  virtual ~HttpBodySource() = default;
  /// Asked again only when the piece before has left. Some hundred KiB make a good piece.
  [[nodiscard]] virtual Next next(std::string& out) = 0;
  /// Called once, before next().
  virtual void on_ready(std::function<void()> ready) = 0;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";  // empty: none is sent
  std::string body;
  /// Bytes that may not be in a header (line ends, NUL) are dropped from values.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::shared_ptr<HttpBodySource> source = {};  // in place of `body`
};

}  // namespace sluice::loop
