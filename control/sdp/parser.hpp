#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "control/sdp/description.hpp"
#include "control/sdp/limits.hpp"
#include "shm/types/result.hpp"

namespace sluice::sdp {

enum class ParseReason : std::uint8_t {
  too_long,       // more than Limits::bytes_max
  bad_line,       // not `x=`, or a control character in it
  bad_version,    // does not begin with v=0
  bad_origin,     // o= missing or malformed
  bad_media,      // malformed m=
  bad_attribute,  // an attribute that we read is malformed
  duplicate,      // a mid, payload type or extension id twice in one section, or an attribute that may appear once
  limit,          // one of Limits
};
[[nodiscard]] std::string_view to_string(ParseReason reason) noexcept;

struct ParseError {
  ParseReason reason = ParseReason::bad_line;
  std::size_t line = 0;  // from 1
  std::string detail;    // what was read, at most 64 printable characters of it
  /// "line 12: malformed attribute: a=rtpmap:x"
  [[nodiscard]] std::string message() const;
};

/// Reads a description (RFC 8866) as WebRTC writes them. Lines end with CRLF or LF; a last line without an end is read too;
/// empty lines at the end are tolerated. Unknown attributes and lines (s=, t=, c=, b= ...) are skipped. Takes time linear in
/// the size and memory of a small multiple of it.
[[nodiscard]] Result<SessionDescription, ParseError> parse(std::string_view text, const Limits& limits = {});

}  // namespace sluice::sdp
