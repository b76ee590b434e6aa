#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::loop {

/// The target of a request line as the client wrote it. libwebsockets decodes escapes while it parses, takes `//` for `/`
/// and
/// `;` for `&`, and keeps nothing else; so rooms called `a%2Fb` or `a//b` could not be told from others (ADR 0012).
///
/// Follows what a connection reads until it has seen one request line. Sans-I/O; fed by the interposed recv() and SSL_read()
/// of request_target.cpp.
class RequestLine {
 public:
  /// What came in with one read. Anything that does not begin like a request is passed over.
  void read(std::string_view bytes);
  /// The target, once the line has been seen; empty otherwise. The next request begins anew.
  [[nodiscard]] std::string take();

 private:
  std::string line_;  // as far as it has come; at most line_bytes_max
  bool complete_ = false;
};

/// The target of the request that this connection's last reads began with; empty when it is not known.
[[nodiscard]] std::string take_request_target(int fd);
/// The connection's descriptor is about to be closed.
void forget_request_target(int fd) noexcept;

struct TargetParts {
  std::string raw_path;  // percent-encoded
  std::string query;     // as sent, without '?'
};
/// Cuts a target into path and query. `path` is what libwebsockets made of it: when the two do not belong together (a second
/// request in one read), or the target is not known, its path and its decoded arguments are encoded again.
[[nodiscard]] TargetParts target_parts(std::string_view target, std::string_view path, std::string_view arguments);

}  // namespace sluice::loop
